import { setTimeout as sleep } from 'node:timers/promises';

import { writeFileAtomic } from '@smartstack/daemon';
import { isRunning } from '@smartstack/proxy';

import type { Processes } from '../runtime/server-state.ts';
import type { Running } from './loader.ts';
import type { Master } from './master.ts';
import type { Tracked } from './tracked.ts';

/** How long a reload that the master does not count is waited for before it is asked for again, in milliseconds. */
const lostReload = 2_000;

export interface ReloadOptions {
  readonly master: Master;
  readonly tracked: Tracked;
  /** What the master said of its processes before. */
  readonly before: Processes;
}

/** Asks a master for a reload, and waits until a new worker runs this shape. */
export async function reload(
  { master, tracked, before }: ReloadOptions,
  shape: string,
  signal: AbortSignal,
): Promise<void> {
  await tracked.lives(signal);
  await master.reload(signal);
  let asked = performance.now();
  for (let wait = 10; ; wait = Math.min(wait * 1.5, 100)) {
    const running = await tracked.running(signal);
    if (isNew(running, before, shape)) return;
    const after = await tracked.processes(signal);
    if (after && after.failed > 0 && after.reloads > before.reloads)
      throw new Error('the new worker did not start');
    if (!after && tracked.master && !isRunning(tracked.master)) throw new Error('the master ended');
    if (after?.reloads === before.reloads && performance.now() - asked > lostReload) {
      await master.reload(signal);
      asked = performance.now();
    }
    await sleep(wait, undefined, { signal });
  }
}

/** Reloads by a signal: a master whose socket does not answer may still take one, and a second master must not be started. */
export async function signalReload(
  { tracked, pidFile }: { readonly tracked: Tracked; readonly pidFile: string },
  shape: string,
  signal: AbortSignal,
): Promise<void> {
  const old = await tracked.running(signal);
  const pid = tracked.master?.pid ?? 0;
  // The pid file may have been removed with the socket, and the next synapse finds this master by nothing else.
  await writeFileAtomic(pidFile, `${pid}\n`);
  process.kill(pid, 'SIGUSR2');
  try {
    for (let wait = 10; ; wait = Math.min(wait * 1.5, 100)) {
      const running = await tracked.running(signal);
      if (running && running.pid !== old?.pid && running.shape === shape) return;
      await sleep(wait, undefined, { signal });
    }
  } catch (error) {
    throw new Error(`the master with pid ${pid} lives, but does not answer`, { cause: error });
  }
}

/** Whether a worker that did not run before runs this shape. */
function isNew(running: Running | undefined, before: Processes, shape: string): boolean {
  return running !== undefined && !before.workers.includes(running.pid) && running.shape === shape;
}
