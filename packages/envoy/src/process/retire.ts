import { setTimeout as sleep } from 'node:timers/promises';

import { createDeadline } from '@smartstack/daemon';
import { isRunning, type ProcessId } from '@smartstack/proxy';

import type { Admin } from '../admin/client.ts';
import { traffic } from '../admin/traffic.ts';

/** How often a process that is to end is looked at, in milliseconds. */
const interval = 50;
/** How long one may take to end once it was told to, in milliseconds; then it is ended by force. */
const patience = 3_000;

/**
 * Ends an Envoy once its requests have: it takes no new connections, and closes those that are idle or answered.
 * What still goes on after `drainTime` is cut. Rejects when the signal aborts, and then leaves it as it is.
 */
export async function stop(
  process: ProcessId,
  admin: Admin,
  drainTime: number,
  signal: AbortSignal,
): Promise<void> {
  using deadline = createDeadline(drainTime, signal);
  try {
    await admin.post('/healthcheck/fail', deadline.signal);
    await admin.post('/drain_listeners', deadline.signal);
    while (isRunning(process) && (await traffic(admin, deadline.signal)) > 0)
      await sleep(interval, undefined, { signal: deadline.signal });
  } catch {
    // One that does not answer is ended all the same.
    signal.throwIfAborted();
  }
  await end(process, signal);
}

/** Ends one that another has taken over from, whose listeners that one has: after the time for its connections. */
export async function retire(
  process: ProcessId,
  drainTime: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + drainTime + patience;
  while (isRunning(process) && performance.now() < deadline)
    await sleep(interval, undefined, { signal });
  await end(process, signal);
}

async function end(process: ProcessId, signal: AbortSignal): Promise<void> {
  for (const how of ['SIGTERM', 'SIGKILL'] as const) {
    if (!isRunning(process)) return;
    kill(process, how);
    const deadline = performance.now() + patience;
    while (isRunning(process) && performance.now() < deadline)
      await sleep(interval, undefined, { signal });
  }
}

function kill({ pid }: ProcessId, how: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, how);
  } catch {
    // It has just ended.
  }
}
