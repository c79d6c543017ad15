import { once } from 'node:events';
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
  /** Told when one is begun: from then on a record may stand, whether the registry has answered or not. */
  onBegin?(): void;
  /** Told when an announcement stands, after so many milliseconds, and when there is none any more. */
  onStand?(took: number): void;
  onWithdraw?(): void;
  /** Told what the registry has from now on. */
  onShown?(instance: Instance): void;
  /** Told when no record of it can stand any more. */
  onGone?(): void;
  /** Told each time why the registry could not be told what is wished, and undefined once it was. */
  onTrouble?(reason: string | undefined): void;
  /** Ends withdrawals that a registry does not confirm; without it they are tried for ever. */
  readonly giveUp?: AbortSignal;
}

/**
 * Keeps the registry as wished: an instance is announced, another one in its stead is announced in
 * place, undefined is withdrawn. Only the newest wish counts, and one that is still being announced is
 * cancelled when it is withdrawn. Trouble with the registry is waited out, and what it has not confirmed
 * counts as announced. When the signal aborts, what is announced is withdrawn before this returns; for a
 * `HandOff` it is left as it is, and so is what is on its way, which ends with its session.
 */
export async function keepAnnounced(
  wishes: Latest<Instance | undefined>,
  deps: AnnouncerDeps,
  signal: AbortSignal,
): Promise<void> {
  let current: Presentation | undefined;
  const { giveUp } = deps;
  const leaving = new Set<Promise<void>>();
  const onWithdraw = () => {
    if (!current) deps.onWithdraw?.();
  };

  /** A withdrawal that the registry refuses is tried on, and holds up nothing. */
  async function end(reason?: unknown): Promise<void> {
    const last = current;
    current = undefined;
    if (!last) return;
    const gone = last.gone.finally(() => {
      leaving.delete(gone);
      if (!current && leaving.size === 0 && !giveUp?.aborted) deps.onGone?.();
    });
    leaving.add(gone);
    await last.end(reason);
  }

  try {
    for await (const wish of wishes.values(signal)) {
      if (!wish) await end();
      else if (current) current.change(wish);
      else {
        deps.onBegin?.();
        current = present(wish, { ...deps, onWithdraw });
      }
    }
  } finally {
    await end(signal.reason);
    if (!(signal.reason instanceof HandOff)) await Promise.all(leaving);
  }
}

interface Presentation {
  /** Announces something else in its place. */
  change(instance: Instance): void;
  /**
   * Cancels the announcement, or withdraws it where it stands, unless it is handed off. Resolves once the
   * registry has answered; never rejects.
   */
  end(reason?: unknown): Promise<void>;
  /** Resolves once it is gone, however often that was refused. */
  readonly gone: Promise<void>;
}

function present(instance: Instance, deps: AnnouncerDeps): Presentation {
  const cancel = new AbortController();
  const withdraw = new AbortController();
  const contents = createLatest<Instance>();
  contents.set(instance);
  let answered = () => {};
  const answer = new Promise<void>((resolve) => {
    answered = resolve;
  });
  const gone = run(contents, deps, {
    cancelled: cancel.signal,
    withdrawn: withdraw.signal,
    onRefused: () => answered(),
  });
  return {
    gone,
    change: contents.set,
    end: async (reason) => {
      cancel.abort(reason);
      // What is being announced may stand already: cancelling it would take it away again.
      if (reason instanceof HandOff) return;
      withdraw.abort(reason);
      await Promise.race([gone, answer]);
    },
  };
}

interface Ends {
  /** Nothing more is begun. */
  readonly cancelled: AbortSignal;
  /** What is under way is undone. */
  readonly withdrawn: AbortSignal;
  /** Told when the registry refused to undo it. */
  onRefused(): void;
}

/** Announces the newest content until cancelled, however often that takes, then withdraws. Never rejects. */
async function run(
  contents: Latest<Instance>,
  deps: AnnouncerDeps,
  { cancelled, withdrawn, onRefused }: Ends,
): Promise<void> {
  const backoff = createBackoff({ base: 100, max: 10_000 });
  const trouble = createTrouble('cannot announce', fixes.announce, deps);
  let announcement: Announcement | undefined;
  /** What the registry has for sure. */
  let shown: Instance | undefined;
  for await (const instance of contents.values(cancelled)) {
    if (isDeepStrictEqual(instance, shown)) continue;
    try {
      if (announcement) await update(announcement, instance, deps, withdrawn);
      else announcement = await announce(instance, deps, withdrawn);
      shown = instance;
      trouble.over();
      backoff.reset();
    } catch (error) {
      if (cancelled.aborted) break;
      // What failed may have been done all the same.
      shown = undefined;
      trouble.tell(error);
      await backoff.wait(cancelled).catch(() => {});
      contents.offer(instance);
    }
  }
  if (!announcement || !withdrawn.aborted) return;
  await withdraw(announcement, deps, onRefused);
}

const fixes = {
  announce: 'it is tried again; where it is refused, let this machine write at that path',
  withdraw: 'it is tried again; until then others may use the record',
} as const;

/** Says each reason once in a row. */
function createTrouble(what: string, fix: string, { path, log, onTrouble }: AnnouncerDeps) {
  let last: string | undefined;
  return {
    tell: (error: unknown) => {
      const reason = messageOf(error);
      if (reason !== last) log.error({ path, reason, fix }, what);
      last = reason;
      onTrouble?.(`${what}: ${reason}`);
    },
    over: () => {
      last = undefined;
      onTrouble?.(undefined);
    },
  };
}

/** Withdraws however often that takes: what the registry has not confirmed may still be used. */
async function withdraw(
  announcement: Announcement,
  deps: AnnouncerDeps,
  onRefused: () => void,
): Promise<void> {
  const { path, log, onWithdraw, giveUp = new AbortController().signal } = deps;
  const backoff = createBackoff({ base: 100, max: 5_000 });
  const trouble = createTrouble('cannot withdraw', fixes.withdraw, deps);
  while (!giveUp.aborted) {
    const settled = new AbortController();
    try {
      const given = once(giveUp, 'abort', { signal: settled.signal }).catch(() => {});
      await Promise.race([announcement[Symbol.asyncDispose](), given]);
      if (giveUp.aborted) return;
      log.info({ path }, 'withdrawn');
      trouble.over();
      return onWithdraw?.();
    } catch (error) {
      trouble.tell(error);
      onRefused();
      await backoff.wait(giveUp).catch(() => {});
    } finally {
      settled.abort();
    }
  }
}

async function announce(
  instance: Instance,
  { registry, path, log, onStand, onShown }: AnnouncerDeps,
  signal: AbortSignal,
): Promise<Announcement> {
  const { host, port } = instance;
  const start = performance.now();
  const announcement = await registry.announce(path, instance, signal);
  log.info({ path, host, port }, 'announced');
  onShown?.(instance);
  onStand?.(performance.now() - start);
  return announcement;
}

async function update(
  announcement: Announcement,
  instance: Instance,
  { onShown }: AnnouncerDeps,
  signal: AbortSignal,
): Promise<void> {
  await announcement.update(instance, signal);
  onShown?.(instance);
}
