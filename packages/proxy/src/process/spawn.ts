import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

import { openLog } from './process-log.ts';

export interface Child {
  readonly pid: number | undefined;
  /** Aborts when the process ends, with the reason. */
  readonly ended: AbortSignal;
  kill(): void;
}

/** The program ended by itself. */
export class Ended extends Error {
  override readonly name = 'Ended';
}

/**
 * Starts a program that outlives this one: in a session of its own, writing to a log file. Its output goes there
 * through a `cat` that ends with it: a program may take `O_APPEND` from its output (proxies that log there do), and
 * then a log that is emptied would have a hole. What it complains about goes there directly.
 */
export async function spawnDetached(
  program: string,
  args: readonly string[],
  logPath: string,
): Promise<Child> {
  const ended = new AbortController();
  const log = await openLog(logPath);
  const output = startCopier(log.fd);
  try {
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', output ?? log.fd, log.fd],
      cwd: '/',
    });
    child.once('error', (error) => ended.abort(error));
    child.once('exit', (code, signal) => ended.abort(new Ended(`it ended (${signal ?? code})`)));
    child.unref();
    return { pid: child.pid, ended: ended.signal, kill: () => child.kill('SIGKILL') };
  } finally {
    output?.destroy();
    await log.close();
  }
}

/**
 * The same of a program that ends with the process that started it, as some do where one is to take over from another
 * (`PR_SET_PDEATHSIG`): that one is a shell, which is gone before the program begins. Answers its pid.
 */
export async function spawnOrphan(
  program: string,
  args: readonly string[],
  logPath: string,
): Promise<number> {
  const log = await openLog(logPath);
  const output = startCopier(log.fd);
  try {
    const shell = spawn('/bin/sh', ['-c', orphan, program, ...args], {
      detached: true,
      stdio: ['ignore', output ?? log.fd, log.fd, 'pipe'],
      cwd: '/',
    });
    const printed = shell.stdio[3] as Readable;
    const [[line]] = await Promise.all([once(printed, 'data'), once(shell, 'exit')]);
    printed.destroy();
    return Number(line);
  } finally {
    output?.destroy();
    await log.close();
  }
}

const orphan = `(
  while kill -0 $$ 2>/dev/null; do sleep 0.01; done
  exec "$0" "$@" 3>&-
) &
echo $! >&3`;

/** Copies what is written to it to a file, in whatever moment that is emptied; undefined where it cannot. */
function startCopier(file: number): Writable | undefined {
  const copier = spawn('cat', { detached: true, stdio: ['pipe', file, 'ignore'], cwd: '/' });
  copier.once('error', () => {});
  copier.stdin?.once('error', () => {});
  copier.unref();
  return copier.pid === undefined ? undefined : (copier.stdin ?? undefined);
}
