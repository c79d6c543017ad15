import { isDeepStrictEqual } from 'node:util';

import { createBackoff, createLatest, type Latest } from '@smartstack/daemon';
import { type Announcement, type Instance, type Registry, Unconfirmed } from '@smartstack/registry';

import { HandOff } from './hand-off.ts';
import { createTrouble } from './trouble.ts';
import { type WithdrawalDeps, withdraw } from './withdrawal.ts';

/** The part of a registry that announcing needs. */
export type Announcing = Pick<Registry, 'announce'>;

export interface AnnouncementDeps extends WithdrawalDeps {
  readonly registry: Announcing;
  /** Called when it is in the registry, with how long that took in milliseconds. */
  onAnnounced?(took: number): void;
  /** Called with what the registry has confirmed that it has. */
  onConfirmed?(instance: Instance): void;
}

/** One announcement that is under way or in the registry, from its first attempt until it is withdrawn. */
export interface RunningAnnouncement {
  /** Announces another instance in its place. */
  change(instance: Instance): void;
  /**
   * Cancels the announcement, or withdraws it where it is in the registry, unless it is handed off.
   * Resolves once the registry has answered; never rejects.
   */
  end(reason?: unknown): Promise<void>;
  /** Resolves once it is withdrawn, however many attempts that takes. */
  readonly gone: Promise<void>;
}

/** Begins to announce an instance; failures are logged and tried again. */
export function startAnnouncement(instance: Instance, deps: AnnouncementDeps): RunningAnnouncement {
  const cancel = new AbortController();
  const undo = new AbortController();
  const instances = createLatest<Instance>();
  instances.set(instance);
  let onRefused = () => {};
  const refused = new Promise<void>((resolve) => {
    onRefused = resolve;
  });

  async function run(): Promise<void> {
    const left = await keepNewest(instances, deps, {
      cancelled: cancel.signal,
      undone: undo.signal,
    });
    if (left && undo.signal.aborted) await withdraw(left, deps, onRefused);
  }

  const gone = run();
  return {
    gone,
    change: instances.set,
    end: async (reason) => {
      cancel.abort(reason);
      // An announcement that is under way may be in the registry already: aborting it would remove it.
      if (reason instanceof HandOff) return;
      undo.abort(reason);
      await Promise.race([gone, refused]);
    },
  };
}

interface Ends {
  /** No other attempt is begun. */
  readonly cancelled: AbortSignal;
  /** The attempt that is under way is aborted. */
  readonly undone: AbortSignal;
}

/** Keeps the newest instance in the registry until cancelled; returns what is or may be there. Never rejects. */
async function keepNewest(
  instances: Latest<Instance>,
  deps: AnnouncementDeps,
  { cancelled, undone }: Ends,
): Promise<AsyncDisposable | undefined> {
  const backoff = createBackoff({ base: 100, max: 10_000 });
  const trouble = createTrouble('cannot announce', fix, deps);
  let announcement: Announcement | undefined;
  /** What the registry has confirmed. */
  let confirmed: Instance | undefined;
  /** What may have come of the attempts so far. */
  let unconfirmed: Unconfirmed | undefined;
  for await (const instance of instances.values(cancelled)) {
    if (isDeepStrictEqual(instance, confirmed)) continue;
    try {
      if (announcement) {
        await announcement.update(instance, undone);
        deps.onConfirmed?.(instance);
      } else announcement = await announce(instance, deps, undone);
      confirmed = instance;
      trouble.over();
      backoff.reset();
    } catch (error) {
      if (error instanceof Unconfirmed) unconfirmed = error;
      if (cancelled.aborted) break;
      // A failed request may have been carried out.
      confirmed = undefined;
      trouble.report(error);
      await backoff.wait(cancelled).catch(() => {});
      instances.offer(instance);
    }
  }
  return announcement ?? unconfirmed;
}

const fix = 'it is tried again; where it is refused, let this machine write at that path';

async function announce(
  instance: Instance,
  { registry, path, log, onAnnounced, onConfirmed }: AnnouncementDeps,
  signal: AbortSignal,
): Promise<Announcement> {
  const { host, port } = instance;
  const start = performance.now();
  const announcement = await registry.announce(path, instance, signal);
  log.info({ path, host, port }, 'announced');
  onConfirmed?.(instance);
  onAnnounced?.(performance.now() - start);
  return announcement;
}
