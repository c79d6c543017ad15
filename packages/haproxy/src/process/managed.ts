import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  createDeadline,
  type Deadline,
  type Log,
  messageOf,
  readRegularText,
  writeFileAtomic,
} from '@smartstack/daemon';
import { alertsSince, endOf, isStopped, spawnDetached, startOf } from '@smartstack/proxy';
import type { HaproxyConfig } from '../config/config.ts';
import { createRuntime, isGone } from '../runtime/runtime.ts';
import type { Processes } from '../runtime/state.ts';
import { createDeaths } from './deaths.ts';
import { isSame, type Known, knownOf } from './known.ts';
import { type Loader, type Running, runningAt } from './loader.ts';
import { createMaster } from './master.ts';
import type { ManagedPaths } from './paths.ts';

/** How long a reload that nothing came of is waited for before it is asked for again. */
const lostReload = 2_000;
/** How often a HAProxy that starts is asked: nobody is served before it answers. */
const startInterval = 15;

/**
 * Runs HAProxy as a master with workers, in a session of its own: it outlives this process, and one
 * that runs already is taken over.
 */
export function createManaged(config: HaproxyConfig, paths: ManagedPaths, log: Log): Loader {
  const master = createMaster(paths.master);
  const runtime = createRuntime(paths.sockets[0] ?? '', 2_000);
  let known: Known | undefined;
  /** Aborts when a master that this process started ends; of another one's end only its pid tells. */
  let ended: AbortSignal | undefined;
  /** The worker that last answered. */
  let worker: Known | undefined;
  let isLoading = false;
  /** The master that was found not to answer while its worker is dead. */
  let stuck: Known | undefined;
  const processes = (signal: AbortSignal) => master.processes(signal).catch(() => undefined);

  async function now(signal: AbortSignal): Promise<Running | undefined> {
    const running = await runningAt(runtime, signal).catch(() => undefined);
    if (running) stuck = undefined;
    if (running && running.pid !== worker?.pid) worker = knownOf(running.pid);
    return running;
  }

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
    const before =
      stuck && stuck === known
        ? undefined
        : ((await processes(signal)) ?? (await starting(signal)));
    const logged = await endOf(paths.log);
    using deadline = createDeadline(config.reload_timeout, signal);
    try {
      if (before) await reload(before, shape, deadline.signal);
      else if (await lives(deadline.signal)) await signalled(shape, deadline.signal);
      else if (config.supervised) await awaitStart(shape, logged, deadline.signal);
      else await start(shape, deadline);
    } catch (error) {
      signal.throwIfAborted();
      const said = await alertsSince(paths.log, logged);
      const late = `${before || !config.supervised ? 'not done' : 'nobody started it'} in ${config.reload_timeout} ms`;
      const why = said || (deadline.isOver ? late : messageOf(error));
      throw new Error(`cannot ${before ? 'reload' : 'start'} HAProxy: ${why}`, { cause: error });
    }
  }

  /** One that is just starting does not answer yet, and would not survive a signal. */
  async function starting(outer: AbortSignal): Promise<Processes | undefined> {
    using patience = createDeadline(2_000, outer);
    const { signal } = patience;
    while (!signal.aborted && (await lives(signal))) {
      const found = await processes(signal);
      if (found) return found;
      await sleep(100, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }

  async function reload(before: Processes, shape: string, signal: AbortSignal): Promise<void> {
    await lives(signal);
    await master.reload(signal);
    let asked = performance.now();
    for (let wait = 10; ; wait = Math.min(wait * 1.5, 100)) {
      const running = await now(signal);
      if (isNew(running, before, shape)) return;
      const after = await processes(signal);
      if (after && after.failed > 0 && after.reloads > before.reloads)
        throw new Error('the new worker did not start');
      if (!after && known && !isSame(known)) throw new Error('the master ended');
      if (after?.reloads === before.reloads && performance.now() - asked > lostReload) {
        await master.reload(signal);
        asked = performance.now();
      }
      await sleep(wait, undefined, { signal });
    }
  }

  /** A master whose socket does not answer may still hear a signal; a second one must not be started. */
  async function signalled(shape: string, signal: AbortSignal): Promise<void> {
    const old = await now(signal);
    const pid = known?.pid ?? 0;
    // Who removed its socket may have removed this too, and by it alone the next synapse finds it.
    await writeFileAtomic(paths.pid, `${pid}\n`);
    process.kill(pid, 'SIGUSR2');
    try {
      for (let wait = 10; ; wait = Math.min(wait * 1.5, 100)) {
        const running = await now(signal);
        if (running && running.pid !== old?.pid && running.shape === shape) return;
        await sleep(wait, undefined, { signal });
      }
    } catch (error) {
      throw new Error(`the master with pid ${pid} lives, but does not answer`, { cause: error });
    }
  }

  async function start(shape: string, deadline: Deadline): Promise<void> {
    if (known && isSame(known)) await stop(known.pid, 'SIGKILL', deadline.signal);
    const args = ['-W', '-S', `${paths.master},mode,600`, '-f', paths.config];
    const child = await spawnDetached(config.binary, args, paths.log);
    await writeFileAtomic(paths.pid, `${child.pid}\n`);
    const within = AbortSignal.any([deadline.signal, child.ended]);
    try {
      while ((await now(within))?.shape !== shape)
        await sleep(startInterval, undefined, { signal: within });
    } catch (error) {
      if (deadline.isOver && !child.ended.aborted) child.kill();
      throw child.ended.aborted ? child.ended.reason : error;
    }
    ended = child.ended;
    if (child.pid !== undefined) known = knownOf(child.pid);
    log.info({ haproxy_pid: child.pid, config: paths.config }, 'haproxy started');
  }

  /** Somebody else starts it, on the file that is there by then; one that read an older file reloads. */
  async function awaitStart(shape: string, logged: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const before = await processes(signal);
      const running = before && (await now(signal));
      if (running?.shape === shape) return;
      if (before && running) return reload(before, shape, signal);
      const said = await alertsSince(paths.log, logged);
      if (said) throw new Error(said);
      await sleep(50, undefined, { signal });
    }
  }

  async function lives(signal: AbortSignal): Promise<boolean> {
    if (known && isSame(known)) return !(await isStuck(signal));
    const pid = (await processes(signal))?.master ?? (await written());
    if (pid === undefined) return false;
    known = knownOf(pid);
    return true;
  }

  /** Whether a master hangs whose worker is dead: nobody listens, and nobody else will see to it. */
  async function isStuck(signal: AbortSignal): Promise<boolean> {
    if (config.supervised || !known || !worker || isSame(worker)) return false;
    if (stuck === known) return true;
    const isAlone = await runtime.ask(['show info'], signal).then(() => false, isGone);
    if (!isAlone || (!isStopped(known.pid) && (await processes(signal)))) return false;
    stuck = known;
    return true;
  }

  /** The pid in the pid file, if that process is a HAProxy of this folder. */
  async function written(): Promise<number | undefined> {
    const pid = Number(await readRegularText(paths.pid).catch(() => ''));
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return command.includes(paths.master) ? pid : undefined;
  }

  const deaths = createDeaths({
    sockets: { master: paths.master, worker: paths.sockets[0] ?? '' },
    global: config.global ?? [],
    known: async (signal) => {
      const found = { master: known, worker };
      if (!known) await lives(signal);
      else if (!worker && !isLoading) await now(signal);
      return found;
    },
    ended: () => ended,
    isLoading: () => isLoading,
    isServed: async (signal) => (await now(signal)) !== undefined,
  });

  return {
    lives,
    load,
    deaths: deaths.follow,
    [Symbol.asyncDispose]: async () => {
      if (config.on_exit !== 'stop' || config.supervised) return;
      using patience = createDeadline(5_000);
      const { signal } = patience;
      // One that is just starting does not answer yet, but is known by its pid file.
      if ((await lives(signal)) && known) await stop(known.pid, 'SIGTERM', signal);
    },
  };
}

/** Whether a worker that did not run before runs the shape that is meant. */
function isNew(running: Running | undefined, before: Processes, shape: string): boolean {
  return running !== undefined && !before.workers.includes(running.pid) && running.shape === shape;
}

async function stop(pid: number, how: 'SIGTERM' | 'SIGKILL', signal: AbortSignal): Promise<void> {
  const start = startOf(pid);
  process.kill(pid, how);
  while (!signal.aborted && startOf(pid) === start)
    await sleep(20, undefined, { signal }).catch(() => undefined);
}
