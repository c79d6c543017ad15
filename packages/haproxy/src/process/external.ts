import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '@smartstack/proxy';
import type { HaproxyConfig } from '../config/config.ts';
import { createRuntime } from '../runtime/admin-socket.ts';
import { type Loader, runningAt } from './loader.ts';
import type { Paths } from './paths.ts';

/** Reloads a HAProxy that something else runs, by the configured shell command. */
export function createExternal(config: HaproxyConfig, paths: Paths): Loader {
  const socket = paths.sockets[0];
  const runtime = socket === undefined ? undefined : createRuntime(socket, 2_000);
  const now = async (signal: AbortSignal) =>
    runtime && runningAt(runtime, signal).catch(() => undefined);

  async function load(shape: string, signal: AbortSignal): Promise<void> {
    const command = config.reload_command;
    // The file is written, and synapse may neither reload HAProxy nor ask it.
    if (!config.do_reloads && !runtime) return;
    if (!config.do_reloads || command === undefined)
      throw new Error('cannot reload HAProxy: do_reloads is false; reload it yourself');
    const before = await now(signal);
    const options = { timeout: config.reload_timeout, shell: true };
    const run = await runCommand(command, [], options, signal);
    signal.throwIfAborted();
    if (run.exitCode !== 0) {
      const late = `no end in ${config.reload_timeout} ms`;
      const why = run.isLate ? late : `exit code ${run.exitCode ?? 'none'}`;
      throw new Error(`cannot reload HAProxy: ${command}: ${why}: ${run.output.slice(-500)}`);
    }
    if (runtime) await verify(before?.pid, shape, signal);
  }

  async function verify(before: number | undefined, shape: string, signal: AbortSignal) {
    const deadline = performance.now() + config.reload_timeout;
    for (let wait = 10; performance.now() < deadline; wait = Math.min(wait * 1.5, 200)) {
      const running = await now(signal);
      if (running && running.pid !== before && (running.shape ?? shape) === shape) return;
      await sleep(wait, undefined, { signal });
    }
    throw new Error(
      `cannot reload HAProxy: ${config.reload_command} ended well, but ${socket} still answers as before or not at all`,
    );
  }

  return {
    lives: async () => true,
    load,
    // Its supervisor restarts it; that it is gone shows at its socket.
    deaths: async function* (signal) {
      await once(signal, 'abort', { signal }).catch(() => undefined);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
