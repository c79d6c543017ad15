import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly log: string;
  /** Resolves with how it ended (`exited with 1`, `was ended by SIGKILL`) and never rejects. */
  readonly ended: Promise<string>;
  running(): boolean;
  kill(): void;
  /** Asks it to end, insists after `patience` milliseconds, and resolves once it is gone. */
  stop(patience?: number): Promise<void>;
  /** The last lines that it wrote. */
  lastWords(): Promise<string>;
}

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly log: string;
}

/**
 * Starts a program in a process group of its own, so that Ctrl-C reaches us alone and we end the parts in
 * order. It writes to its log file. Throws when it cannot be started.
 */
export async function startChild({ name, command, args, log }: ChildOptions): Promise<Child> {
  const file = openSync(log, 'a');
  const child = spawn(command, args, { detached: true, stdio: ['ignore', file, file] });
  closeSync(file);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `exited with ${code}` : `was ended by ${signal}`),
    );
  });
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new Error(`cannot start ${name} (${command})`, { cause: error });
  }
  const pid = child.pid as number;
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    name,
    pid,
    log,
    ended,
    running,
    kill: () => void child.kill('SIGKILL'),
    async stop(patience = 10_000) {
      if (!running()) return;
      child.kill('SIGTERM');
      const impatience = new AbortController();
      const insist = async () => {
        await sleep(patience, undefined, { signal: impatience.signal });
        child.kill('SIGKILL');
      };
      await Promise.race([ended, insist().catch(() => {})]);
      impatience.abort();
      await ended;
    },
    async lastWords() {
      const text = await readFile(log, 'utf8').catch(() => '');
      return text.trimEnd().split('\n').slice(-8).join('\n');
    },
  };
}
