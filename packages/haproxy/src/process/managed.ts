import { setTimeout as sleep } from 'node:timers/promises';

import {
  createDeadline,
  type Deadline,
  type Log,
  messageOf,
  writeFileAtomic,
} from '@smartstack/daemon';
import { alertsSince, endOf, isRunning, spawnDetached, startOf } from '@smartstack/proxy';

import type { HaproxyConfig } from '../config/config.ts';
import { createDeaths } from './deaths.ts';
import type { Loader } from './loader.ts';
import { createMaster } from './master.ts';
import type { ManagedPaths } from './paths.ts';
import { reload, signalReload } from './reload.ts';
import { createTracked } from './tracked.ts';

/** How often a HAProxy that starts is asked, in milliseconds: no app is served before it answers. */
const startInterval = 15;

/**
 * Runs HAProxy as a master with workers, in a session of its own: it outlives this process, and one
 * that runs already is taken over.
 */
export function createManaged(config: HaproxyConfig, paths: ManagedPaths, log: Log): Loader {
  const master = createMaster(paths.master);
  const tracked = createTracked(config, paths, master);
  let isLoading = false;

  async function load(shape: string, signal: AbortSignal): Promise<void> {
    isLoading = true;
    deaths.release();
    try {
      await loadNow(shape, signal);
    } finally {
      isLoading = false;
    }
  }

  async function loadNow(shape: string, signal: AbortSignal): Promise<void> {
    const before = tracked.isStuck
      ? undefined
      : ((await tracked.processes(signal)) ?? (await tracked.startingProcesses(signal)));
    const logged = await endOf(paths.log);
    using deadline = createDeadline(config.reload_timeout, signal);
    try {
      if (before) await reload({ master, tracked, before }, shape, deadline.signal);
      else if (await tracked.lives(deadline.signal))
        await signalReload({ tracked, pidFile: paths.pid }, shape, deadline.signal);
      else if (config.supervised) await awaitStart(shape, logged, deadline.signal);
      else await start(shape, deadline);
    } catch (error) {
      signal.throwIfAborted();
      const said = await alertsSince(paths.log, logged);
      const late = `${before || !config.supervised ? 'not done' : 'not started by its service manager'} in ${config.reload_timeout} ms`;
      const why = said || (deadline.isOver ? late : messageOf(error));
      throw new Error(`cannot ${before ? 'reload' : 'start'} HAProxy: ${why}`, { cause: error });
    }
  }

  async function start(shape: string, deadline: Deadline): Promise<void> {
    const stuck = tracked.master;
    if (stuck && isRunning(stuck)) await stop(stuck.pid, 'SIGKILL', deadline.signal);
    const args = ['-W', '-S', `${paths.master},mode,600`, '-f', paths.config];
    const child = await spawnDetached(config.binary, args, paths.log);
    await writeFileAtomic(paths.pid, `${child.pid}\n`);
    const within = AbortSignal.any([deadline.signal, child.ended]);
    try {
      while ((await tracked.running(within))?.shape !== shape)
        await sleep(startInterval, undefined, { signal: within });
    } catch (error) {
      if (deadline.isOver && !child.ended.aborted) child.kill();
      throw child.ended.aborted ? child.ended.reason : error;
    }
    tracked.started(child.pid, child.ended);
    log.info({ haproxy_pid: child.pid, config: paths.config }, 'haproxy started');
  }

  /** The service manager starts it with the file that is there by then; one that read an older file is reloaded. */
  async function awaitStart(shape: string, logged: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const before = await tracked.processes(signal);
      const running = before && (await tracked.running(signal));
      if (running?.shape === shape) return;
      if (before && running) return reload({ master, tracked, before }, shape, signal);
      const said = await alertsSince(paths.log, logged);
      if (said) throw new Error(said);
      await sleep(50, undefined, { signal });
    }
  }

  const deaths = createDeaths({
    sockets: { master: paths.master, worker: paths.sockets[0] ?? '' },
    global: config.global ?? [],
    known: async (signal) => {
      const found = { master: tracked.master, worker: tracked.worker };
      if (!found.master) await tracked.lives(signal);
      else if (!found.worker && !isLoading) await tracked.running(signal);
      return found;
    },
    ended: () => tracked.ended,
    isLoading: () => isLoading,
    isServed: async (signal) => (await tracked.running(signal)) !== undefined,
  });

  return {
    lives: tracked.lives,
    load,
    deaths: deaths.follow,
    [Symbol.asyncDispose]: async () => {
      if (config.on_exit !== 'stop' || config.supervised) return;
      using patience = createDeadline(5_000);
      const { signal } = patience;
      // One that is just starting does not answer yet, but is known by its pid file.
      if ((await tracked.lives(signal)) && tracked.master)
        await stop(tracked.master.pid, 'SIGTERM', signal);
    },
  };
}

async function stop(pid: number, how: 'SIGTERM' | 'SIGKILL', signal: AbortSignal): Promise<void> {
  const start = startOf(pid);
  if (start === undefined) return;
  process.kill(pid, how);
  while (!signal.aborted && startOf(pid) === start)
    await sleep(20, undefined, { signal }).catch(() => undefined);
}
