import { createBackoff, type Latest, type Log, messageOf } from '@smartstack/daemon';
import type { Announcement, Instance, Registry } from '@smartstack/registry';

export interface AnnouncerDeps {
  readonly registry: Registry;
  readonly path: string;
  readonly log: Log;
}

/**
 * Keeps the registry as wished: an instance is announced, undefined is withdrawn. Only the newest wish
 * counts, and one that is still being announced is cancelled when it is withdrawn. Trouble with the
 * registry is waited out. When the signal aborts, what is announced is withdrawn before this returns.
 */
export async function keepAnnounced(
  wishes: Latest<Instance | undefined>,
  deps: AnnouncerDeps,
  signal: AbortSignal,
): Promise<void> {
  let current: Attempt | undefined;
  try {
    for await (const wish of wishes.values(signal)) {
      if (wish && !current) current = announce(wish, deps);
      if (wish || !current) continue;
      await current.withdraw();
      current = undefined;
    }
  } finally {
    await current?.withdraw();
  }
}

interface Attempt {
  /** Cancels the announcement, or ends it where it stands; never rejects. */
  withdraw(): Promise<void>;
}

function announce(instance: Instance, deps: AnnouncerDeps): Attempt {
  const { path, log } = deps;
  const cancel = new AbortController();
  const standing = insist(instance, deps, cancel.signal);
  return {
    withdraw: async () => {
      cancel.abort();
      const announcement = await standing;
      if (!announcement) return;
      try {
        await announcement[Symbol.asyncDispose]();
        log.info({ path }, 'withdrawn');
      } catch (error) {
        log.error({ path, reason: messageOf(error) }, 'cannot withdraw');
      }
    },
  };
}

/** Announces until it worked, or until the signal aborts: then undefined. Never rejects. */
async function insist(
  instance: Instance,
  { registry, path, log }: AnnouncerDeps,
  signal: AbortSignal,
): Promise<Announcement | undefined> {
  const backoff = createBackoff({ base: 100, max: 10_000 });
  let last: string | undefined;
  while (!signal.aborted) {
    try {
      const announcement = await registry.announce(path, instance, signal);
      log.info({ path, host: instance.host, port: instance.port }, 'announced');
      return announcement;
    } catch (error) {
      const reason = messageOf(error);
      if (!signal.aborted && reason !== last) log.error({ path, reason }, 'cannot announce');
      last = reason;
      await backoff.wait(signal).catch(() => {});
    }
  }
  return undefined;
}
