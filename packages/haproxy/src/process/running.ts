import type { Log } from '@smartstack/daemon';

import { isGone, isRemoved } from '../runtime/admin-socket.ts';
import type { Environment } from './environment.ts';
import { type Running, runningAt } from './loader.ts';

/** What is known of the HAProxy that runs. */
export interface RunningState {
  /** Undefined while it is not certain. */
  readonly running: Running | undefined;
  /** The worker that last ran; undefined once it is known to be dead. */
  readonly lastPid: number | undefined;
  readonly backends: ReadonlySet<string>;
  /**
   * Finds the HAProxy that runs, if any; true when this process did not start or reload it. Rejects when
   * one is there but does not answer.
   */
  look(signal: AbortSignal): Promise<boolean>;
  /** A file of this shape and these backends was loaded. */
  loaded(shape: string, backends: ReadonlySet<string>, signal: AbortSignal): Promise<void>;
  invalidate(): void;
  dead(): void;
}

export function createRunning(
  { runtimes: [runtime], loader, renewSocket }: Environment,
  log: Log,
): RunningState {
  let running: Running | undefined;
  let lastPid: number | undefined;
  let lastShape: string | undefined;
  let backends: ReadonlySet<string> = new Set();

  return {
    get running() {
      return running;
    },
    get lastPid() {
      return lastPid;
    },
    get backends() {
      return backends;
    },
    look: async (signal) => {
      if (!runtime) return false;
      running = await runningAt(runtime, signal).catch(async (error: unknown) => {
        if (!isGone(error)) throw error;
        if (isRemoved(error) && (await loader.lives(signal))) renewSocket();
        return undefined;
      });
      if (running?.pid === lastPid && running && lastShape !== undefined)
        running = { ...running, shape: running.shape ?? lastShape };
      if (!running || running.pid === lastPid) return false;
      const [list = ''] = await runtime.ask(['show backend'], signal);
      backends = new Set(list.split('\n').filter((name) => !name.startsWith('#')));
      const { pid, shape } = running;
      if (lastPid === undefined)
        log.info({ haproxy_pid: pid, shape }, 'haproxy runs already: taken over');
      else
        log.warn(
          { haproxy_pid: pid, shape, fix: 'if it goes on: let synapse alone reload it' },
          'haproxy was reloaded by someone else',
        );
      lastPid = pid;
      lastShape = shape;
      return true;
    },
    loaded: async (shape, now, signal) => {
      const found = runtime && (await runningAt(runtime, signal));
      // A stats socket of level user does not show the shape.
      running = found ? { ...found, shape: found.shape ?? shape } : { pid: 0, version: '', shape };
      lastPid = running.pid;
      lastShape = running.shape;
      backends = now;
    },
    invalidate: () => {
      running = undefined;
    },
    dead: () => {
      lastPid = undefined;
    },
  };
}
