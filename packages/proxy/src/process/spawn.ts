import { spawn } from 'node:child_process';

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

/** Starts a program that outlives this one: in a session of its own, writing to a log file. */
export async function spawnDetached(
  program: string,
  args: readonly string[],
  logPath: string,
): Promise<Child> {
  const ended = new AbortController();
  const output = await openLog(logPath);
  try {
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      cwd: '/',
    });
    child.once('error', (error) => ended.abort(error));
    child.once('exit', (code, signal) => ended.abort(new Ended(`it ended (${signal ?? code})`)));
    child.unref();
    return { pid: child.pid, ended: ended.signal, kill: () => child.kill('SIGKILL') };
  } finally {
    await output.close();
  }
}
