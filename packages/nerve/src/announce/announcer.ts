import type { Latest } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';

import {
  type AnnouncementDeps,
  type Announcing,
  type RunningAnnouncement,
  startAnnouncement,
} from './announcement.ts';
import { HandOff } from './hand-off.ts';

export type { Announcing };

export interface AnnouncerDeps extends AnnouncementDeps {
  /** Called when an announcement is begun: from then on the registry may have a record, whether it has answered or not. */
  onBegin?(): void;
  /** Called when the registry can have no record of the service any more. */
  onGone?(): void;
}

/** What an announcer reports of the registry. */
export type AnnouncerEvents = Pick<
  AnnouncerDeps,
  'onBegin' | 'onConfirmed' | 'onAnnounced' | 'onWithdrawn' | 'onGone' | 'onTrouble'
>;

/**
 * Keeps the desired instance in the registry: the first is announced, another one is announced in its
 * place, and undefined withdraws it. Only the newest counts, and one that is still being announced is
 * cancelled when it is withdrawn. What fails at the registry is tried again, and what it has not confirmed
 * counts as announced. When the signal aborts, what is announced is withdrawn before this returns; for a
 * `HandOff` it is left as it is, and so is an announcement under way, which ends with its session.
 */
export async function keepAnnounced(
  desired: Latest<Instance | undefined>,
  deps: AnnouncerDeps,
  signal: AbortSignal,
): Promise<void> {
  const { stopWithdrawing } = deps;
  let current: RunningAnnouncement | undefined;
  const withdrawals = new Set<Promise<void>>();
  const onWithdrawn = () => {
    if (!current) deps.onWithdrawn?.();
  };

  /** A withdrawal that the registry refuses is tried again, and delays nothing else. */
  async function end(reason?: unknown): Promise<void> {
    const last = current;
    current = undefined;
    if (!last) return;
    const gone = last.gone.finally(() => {
      withdrawals.delete(gone);
      if (!current && withdrawals.size === 0 && !stopWithdrawing?.aborted) deps.onGone?.();
    });
    withdrawals.add(gone);
    await last.end(reason);
  }

  try {
    for await (const instance of desired.values(signal)) {
      if (!instance) await end();
      else if (current) current.change(instance);
      else {
        deps.onBegin?.();
        current = startAnnouncement(instance, { ...deps, onWithdrawn });
      }
    }
  } finally {
    await end(signal.reason);
    if (!(signal.reason instanceof HandOff)) await Promise.all(withdrawals);
  }
}
