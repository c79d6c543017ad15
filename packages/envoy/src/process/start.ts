import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { createDeadline, messageOf } from '@smartstack/daemon';
import {
  endOf,
  isRunning,
  type ProcessId,
  processIdOf,
  spawnOrphan,
  textSince,
} from '@smartstack/proxy';

import type { Admin } from '../admin/client.ts';
import { type ServerInfo, serverInfo } from '../admin/server-info.ts';
import type { EnvoyOptions, EnvoyPaths } from './options.ts';
import { complaintsIn } from './program.ts';
import type { Tracked } from './tracked.ts';

/** How often an Envoy that starts is asked, in milliseconds: no app is served before it answers. */
const startInterval = 15;

/** Which Envoy of a folder is started. */
export interface Launch {
  readonly program: string;
  /** What its bootstrap calls itself. */
  readonly bootstrap: string;
  readonly args: readonly string[];
  /** The place among hot restarts: the first has epoch 0, and the next one of the same base id replaces it. */
  readonly epoch: number;
  readonly baseId: number;
  readonly before?: ProcessId | undefined;
}

export interface Launcher {
  readonly admin: Admin;
  readonly paths: EnvoyPaths;
  readonly tracked: Tracked;
  readonly timeout: number;
}

/** Starts an Envoy that outlives this process, until its admin interface answers. Rejects with its own reason. */
export async function launch(
  { admin, paths, tracked, timeout }: Launcher,
  what: Launch,
  signal: AbortSignal,
): Promise<void> {
  const logged = await endOf(paths.log);
  const process = processIdOf(await spawnOrphan(what.program, argsOf(paths, what), paths.log));
  using deadline = createDeadline(timeout, signal);
  try {
    const info = await answer(admin, { ...what, process }, deadline.signal);
    const { epoch, baseId, before } = what;
    await tracked.started({ process, epoch, baseId, before }, info);
  } catch (error) {
    // Left as it is where only this process ends: the next one finds it.
    signal.throwIfAborted();
    kill(process);
    const late = `no answer at its admin interface in ${timeout} ms`;
    const said = complaintsIn(await textSince(paths.log, logged));
    const why = said || (deadline.isOver ? late : messageOf(error));
    throw new Error(`cannot start Envoy: ${why}`, { cause: error });
  }
}

async function answer(
  admin: Admin,
  { process, epoch, bootstrap }: Launch & { readonly process: ProcessId },
  signal: AbortSignal,
): Promise<ServerInfo> {
  for (;;) {
    const info = await serverInfo(admin, signal).catch(() => undefined);
    if (info?.epoch === epoch && info.bootstrap === bootstrap) return info;
    if (!isRunning(process)) throw new Error('it ended');
    await sleep(startInterval, undefined, { signal });
  }
}

function kill(id: ProcessId): void {
  if (isRunning(id)) process.kill(id.pid, 'SIGKILL');
}

function argsOf(paths: EnvoyPaths, { args, epoch, baseId }: Launch): readonly string[] {
  return [
    ...['-c', paths.bootstrap, ...args],
    ...['--restart-epoch', String(epoch), '--base-id', String(baseId)],
    ...['--socket-path', paths.hotRestart, '--socket-mode', '600'],
    // What is counted is counted since the process started, histograms too, which are not handed over.
    '--skip-hot-restart-parent-stats',
  ];
}

/** Arguments beside those that say which Envoy of the folder it is. */
export function usualArgs(options: EnvoyOptions): readonly string[] {
  const drain = Math.max(1, Math.ceil(options.drainTime / 1_000));
  return [
    ...['--log-level', options.logLevel],
    ...(options.concurrency === undefined ? [] : ['--concurrency', String(options.concurrency)]),
    ...['--drain-time-s', String(drain), '--parent-shutdown-time-s', String(drain + 1)],
  ];
}

/**
 * A base id names what Envoys that replace each other share in memory. The same folder has the same one, so that an
 * Envoy that was killed leaves nothing behind that the next one does not take. Envoy takes ten of them as an `int`.
 */
export function baseIdOf(directory: string, attempt = 0): number {
  const hash = createHash('sha256').update(`${directory}\n${attempt}`).digest();
  return hash.readUInt32BE() & 0x07ffffff;
}
