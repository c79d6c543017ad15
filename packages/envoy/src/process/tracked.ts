import { readdir, readFile } from 'node:fs/promises';

import { isRunning, type ProcessId, processIdOf } from '@smartstack/proxy';

import { type Admin, isGone } from '../admin/client.ts';
import { type ServerInfo, serverInfo } from '../admin/server-info.ts';
import type { EnvoyPaths } from './options.ts';
import { type EnvoyState, readState, writeState } from './state.ts';

/** An Envoy of this folder that runs. */
export interface Found {
  /** Undefined where it answers from a process that cannot be seen. */
  readonly process: ProcessId | undefined;
  /** What it says; undefined where it does not answer. */
  readonly info: ServerInfo | undefined;
  /** Whether its admin interface is closed, rather than slow. */
  readonly isClosed: boolean;
  /** What was written when it was started, if that was it. */
  readonly state: EnvoyState | undefined;
}

/** The Envoy of one folder, as far as it is known. */
export interface Tracked {
  /** The process that last ran; it may have ended. */
  readonly process: ProcessId | undefined;
  readonly info: ServerInfo | undefined;
  readonly state: EnvoyState | undefined;
  /** The one that runs; undefined where none does. */
  find(signal: AbortSignal): Promise<Found | undefined>;
  /** Asks the one that is known how it is. Never rejects but when aborted. */
  look(signal: AbortSignal): Promise<void>;
  /** One was started; the next synapse will know of it. */
  started(state: EnvoyState, said: ServerInfo): Promise<void>;
}

export function createTracked(paths: EnvoyPaths, admin: Admin): Tracked {
  let state: EnvoyState | undefined;
  let process: ProcessId | undefined;
  let info: ServerInfo | undefined;

  async function find(signal: AbortSignal): Promise<Found | undefined> {
    state ??= await readState(paths.state);
    let isClosed = false;
    info = await serverInfo(admin, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      isClosed = isGone(error);
      return undefined;
    });
    const isOurs = state !== undefined && isRunning(state.process) && fits(state, info);
    if (isOurs) process = state?.process;
    else if (!process || !isRunning(process)) process = await search(paths, info);
    if (!info && !process) return undefined;
    return { process, info, isClosed, state: isOurs ? state : undefined };
  }

  return {
    get process() {
      return process;
    },
    get info() {
      return info;
    },
    get state() {
      return state;
    },
    find,
    look: async (signal) => {
      const said = await serverInfo(admin, signal).catch(() => undefined);
      signal.throwIfAborted();
      if (said && (!state || fits(state, said))) info = said;
    },
    started: async (next, said) => {
      state = next;
      info = said;
      process = next.process;
      await writeState(paths.state, next);
    },
  };
}

const fits = (state: EnvoyState, info: ServerInfo | undefined) =>
  info === undefined || info.epoch === state.epoch;

/** The process that runs our bootstrap file, the newest of them: one that is being replaced may still be there. */
async function search(
  { bootstrap }: EnvoyPaths,
  info: ServerInfo | undefined,
): Promise<ProcessId | undefined> {
  let best: { readonly id: ProcessId; readonly epoch: number } | undefined;
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    const args = command.split('\0');
    if (args[args.indexOf('-c') + 1] !== bootstrap || args.includes('--mode')) continue;
    const epoch = Number(args[args.indexOf('--restart-epoch') + 1]) || 0;
    const id = processIdOf(Number(name));
    if (!isRunning(id) || (info && info.epoch !== epoch)) continue;
    if (!best || epoch > best.epoch) best = { id, epoch };
  }
  return best?.id;
}
