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
import { alertsSince, endOf, pause, spawnDetached, startOf } from '@smartstack/proxy';
import type { HaproxyConfig } from '../config/config.ts';
import { createRuntime, isGone } from '../runtime/runtime.ts';
import type { Processes } from '../runtime/state.ts';
import { createLine } from './line.ts';
import { type Loader, type Running, runningAt } from './loader.ts';
import { createMaster } from './master.ts';
import type { ManagedPaths } from './paths.ts';

/** How long a reload that nothing came of is waited for before it is asked for again. */
const lostReload = 2_000;
/** How often it is asked whether HAProxy lives, where a closed connection would tell and where it would not. */
const lineInterval = 3_000;
const deathInterval = 300;
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
  const processes = (signal: AbortSignal) => master.processes(signal).catch(() => undefined);

  async function now(signal: AbortSignal): Promise<Running | undefined> {
    const running = await runningAt(runtime, signal).catch(() => undefined);
    if (running && running.pid !== worker?.pid) worker = knownOf(running.pid);
    return running;
  }

  async function load(shape: string, signal: AbortSignal): Promise<void> {
    isLoading = true;
    try {
      await loadNow(shape, signal);
    } finally {
      isLoading = false;
    }
  }

  async function loadNow(shape: string, signal: AbortSignal): Promise<void> {
    const before = (await processes(signal)) ?? (await starting(signal));
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
    if (config.supervised || !worker || isSame(worker)) return false;
    const isAlone = await runtime.ask(['show info'], signal).then(() => false, isGone);
    return isAlone && (await processes(signal)) === undefined;
  }

  /** The pid in the pid file, if that process is a HAProxy of this folder. */
  async function written(): Promise<number | undefined> {
    const pid = Number(await readRegularText(paths.pid).catch(() => ''));
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return command.includes(paths.master) ? pid : undefined;
  }

  async function* deaths(signal: AbortSignal): AsyncGenerator<void, void> {
    using line = createLine(paths.master);
    const mourned = new WeakSet<Known>();
    const isNews = (one: Known | undefined) =>
      one !== undefined && !mourned.has(one) && !isSame(one);
    while (!signal.aborted) {
      const [watched, served] = [known, worker];
      if (!watched) await lives(signal);
      else if (!served && !isLoading) await now(signal);
      const isDead = isNews(watched);
      const isDown = !isLoading && isNews(served) && (await now(signal)) === undefined;
      for (const one of [watched, served]) if (one && (isDead || isDown)) mourned.add(one);
      if (isDead || isDown) yield;
      const closed = await line.hold(signal);
      const told = [ended, closed].flatMap((each) => (each && !each.aborted ? [each] : []));
      await pause(closed ? lineInterval : deathInterval, signal, ...told);
      // What closes a connection is not yet gone, or takes no other one for a moment.
      if (closed?.aborted) await pause(startInterval, signal);
    }
  }

  return {
    lives,
    load,
    deaths,
    [Symbol.asyncDispose]: async () => {
      if (config.on_exit !== 'stop' || config.supervised) return;
      using patience = createDeadline(5_000);
      const { signal } = patience;
      // One that is just starting does not answer yet, but is known by its pid file.
      if ((await lives(signal)) && known) await stop(known.pid, 'SIGTERM', signal);
    },
  };
}

interface Known {
  readonly pid: number;
  readonly start: string | undefined;
}

const knownOf = (pid: number): Known => ({ pid, start: startOf(pid) });

const isSame = ({ pid, start }: Known) => startOf(pid) === start;

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
