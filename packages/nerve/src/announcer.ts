import { isDeepStrictEqual } from 'node:util';

import { createBackoff, createLatest, type Latest, type Log, messageOf } from '@smartstack/daemon';
import type { Announcement, Instance, Registry } from '@smartstack/registry';

import { HandOff } from './hand-off.ts';

/** All that is needed of a registry. */
export type Announcing = Pick<Registry, 'announce'>;

export interface AnnouncerDeps {
  readonly registry: Announcing;
  readonly path: string;
  readonly log: Log;
  /** Told when an announcement stands, after so many milliseconds, and when there is none any more. */
  onStand?(took: number): void;
  onWithdraw?(): void;
  onTrouble?(): void;
}

/**
 * Keeps the registry as wished: an instance is announced, another one in its stead is announced in
 * place, undefined is withdrawn. Only the newest wish counts, and one that is still being announced is
 * cancelled when it is withdrawn. Trouble with the registry is waited out. When the signal aborts, what
 * is announced is withdrawn before this returns; for a `HandOff` it is left as it is.
 */
export async function keepAnnounced(
  wishes: Latest<Instance | undefined>,
  deps: AnnouncerDeps,
  signal: AbortSignal,
): Promise<void> {
  let current: Presentation | undefined;
  try {
    for await (const wish of wishes.values(signal)) {
      if (!wish) {
        await current?.end();
        current = undefined;
      } else if (current) current.change(wish);
      else current = present(wish, deps);
    }
  } finally {
    await current?.end(signal.reason);
  }
}

interface Presentation {
  /** Announces something else in its place. */
  change(instance: Instance): void;
  /** Cancels the announcement, or withdraws it where it stands, unless it is handed off; never rejects. */
  end(reason?: unknown): Promise<void>;
}

function present(instance: Instance, deps: AnnouncerDeps): Presentation {
  const cancel = new AbortController();
  const contents = createLatest<Instance>();
  contents.set(instance);
  const ended = run(contents, deps, cancel.signal);
  return {
    change: contents.set,
    end: async (reason) => {
      cancel.abort(reason);
      await ended;
    },
  };
}

/** Announces the newest content until aborted, then withdraws. Never rejects. */
async function run(
  contents: Latest<Instance>,
  deps: AnnouncerDeps,
  signal: AbortSignal,
): Promise<void> {
  let announcement: Announcement | undefined;
  let shown: Instance | undefined;
  for await (const instance of contents.values(signal)) {
    if (isDeepStrictEqual(instance, shown)) continue;
    shown = instance;
    if (announcement) await insist(update(announcement, instance, signal), deps, signal);
    else announcement = await insist(announce(instance, deps, signal), deps, signal);
  }
  if (!announcement || signal.reason instanceof HandOff) return;
  const { path, log } = deps;
  try {
    await announcement[Symbol.asyncDispose]();
    log.info({ path }, 'withdrawn');
  } catch (error) {
    log.error({ path, reason: messageOf(error) }, 'cannot withdraw');
  }
  deps.onWithdraw?.();
}

function announce(instance: Instance, deps: AnnouncerDeps, signal: AbortSignal) {
  const { registry, path, log, onStand } = deps;
  const { host, port } = instance;
  const start = performance.now();
  return async () => {
    const announcement = await registry.announce(path, instance, signal);
    log.info({ path, host, port }, 'announced');
    onStand?.(performance.now() - start);
    return announcement;
  };
}

const update = (announcement: Announcement, instance: Instance, signal: AbortSignal) => () =>
  announcement.update(instance, signal);

/** Tries until it works, or until the signal aborts: then undefined. Never rejects. */
async function insist<T>(
  attempt: () => Promise<T>,
  { path, log, onTrouble }: AnnouncerDeps,
  signal: AbortSignal,
): Promise<T | undefined> {
  const backoff = createBackoff({ base: 100, max: 10_000 });
  let last: string | undefined;
  while (!signal.aborted) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) break;
      const reason = messageOf(error);
      if (reason !== last)
        log.error(
          {
            path,
            reason,
            fix: 'it is tried again; where it is refused, let this machine write at that path',
          },
          'cannot announce',
        );
      last = reason;
      onTrouble?.();
      await backoff.wait(signal).catch(() => {});
    }
  }
  return undefined;
}
