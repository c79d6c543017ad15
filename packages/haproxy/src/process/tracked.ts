import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { createDeadline, readRegularText } from '@smartstack/daemon';
import { isRunning, isStopped, type ProcessId, processIdOf } from '@smartstack/proxy';

import type { HaproxyConfig } from '../config/config.ts';
import { createRuntime, isGone } from '../runtime/admin-socket.ts';
import type { Processes } from '../runtime/server-state.ts';
import { type Running, runningAt } from './loader.ts';
import type { Master } from './master.ts';
import type { ManagedPaths } from './paths.ts';

/** The master and the worker of a managed HAProxy, as far as they are known. */
export interface Tracked {
  readonly master: ProcessId | undefined;
  /** The worker that last answered. */
  readonly worker: ProcessId | undefined;
  /** Aborts when a master that this process started ends; the end of another one shows by its pid alone. */
  readonly ended: AbortSignal | undefined;
  /** Whether the master does not answer while its worker is dead: a new one is to be started. */
  readonly isStuck: boolean;
  /** The worker that answers. */
  running(signal: AbortSignal): Promise<Running | undefined>;
  /** Whether a master lives; searches for one where none is known. A stuck one does not count. */
  lives(signal: AbortSignal): Promise<boolean>;
  /** What the master says of its processes; undefined where it does not answer. */
  processes(signal: AbortSignal): Promise<Processes | undefined>;
  /** The same, but waits for a master that is just starting: it would not survive a signal. */
  startingProcesses(signal: AbortSignal): Promise<Processes | undefined>;
  /** This process started a master, whose end the signal tells. */
  started(pid: number | undefined, ended: AbortSignal): void;
}

export function createTracked(config: HaproxyConfig, paths: ManagedPaths, socket: Master): Tracked {
  const runtime = createRuntime(paths.sockets[0] ?? '', 2_000);
  let master: ProcessId | undefined;
  let worker: ProcessId | undefined;
  let ended: AbortSignal | undefined;
  /** The master that was found not to answer while its worker is dead. */
  let stuck: ProcessId | undefined;
  const processes = (signal: AbortSignal) => socket.processes(signal).catch(() => undefined);

  async function running(signal: AbortSignal): Promise<Running | undefined> {
    const found = await runningAt(runtime, signal).catch(() => undefined);
    if (found) stuck = undefined;
    if (found && found.pid !== worker?.pid) worker = processIdOf(found.pid);
    return found;
  }

  async function lives(signal: AbortSignal): Promise<boolean> {
    if (master && isRunning(master)) return !(await isStuck(signal));
    const pid = (await processes(signal))?.master ?? (await written());
    if (pid === undefined) return false;
    master = processIdOf(pid);
    return true;
  }

  /** Whether a master hangs whose worker is dead: then no process listens, and none will start a new one. */
  async function isStuck(signal: AbortSignal): Promise<boolean> {
    if (config.supervised || !master || !worker || isRunning(worker)) return false;
    if (stuck === master) return true;
    const isAlone = await runtime.ask(['show info'], signal).then(() => false, isGone);
    if (!isAlone || (!isStopped(master.pid) && (await processes(signal)))) return false;
    stuck = master;
    return true;
  }

  /** The pid in the pid file, if that process is a HAProxy of this folder. */
  async function written(): Promise<number | undefined> {
    const pid = Number(await readRegularText(paths.pid).catch(() => ''));
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return command.includes(paths.master) ? pid : undefined;
  }

  return {
    get master() {
      return master;
    },
    get worker() {
      return worker;
    },
    get ended() {
      return ended;
    },
    get isStuck() {
      return stuck !== undefined && stuck === master;
    },
    running,
    lives,
    processes,
    startingProcesses: async (outer) => {
      using patience = createDeadline(2_000, outer);
      const { signal } = patience;
      while (!signal.aborted && (await lives(signal))) {
        const found = await processes(signal);
        if (found) return found;
        await sleep(100, undefined, { signal }).catch(() => undefined);
      }
      return undefined;
    },
    started: (pid, end) => {
      ended = end;
      if (pid !== undefined) master = processIdOf(pid);
    },
  };
}
