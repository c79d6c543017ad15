import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

import { z } from 'zod';

import { type CheckDeps, type CheckMechanism, commonKeys } from './check.ts';
import { failure } from './reason.ts';

const schema = z
  .strictObject({
    type: z.literal('exec'),
    ...commonKeys(1),
    command: z
      .array(z.string())
      .min(1)
      .or(
        z.strictObject({
          shell: z
            .string()
            .min(1)
            .meta({
              description: 'one line for a shell, in place of a list of words',
              examples: ['test -e /run/web/ready && pgrep web'],
            }),
        }),
      )
      .meta({
        description:
          'a program and its arguments. It finds `NERVE_SERVICE`, `NERVE_HOST` and `NERVE_PORT`; at the deadline its whole process group is killed',
        examples: [['/usr/local/bin/check-web', '--fast']],
      }),
  })
  .meta({ description: 'passes when a command exits with 0' });

/**
 * Passes when a command exits with 0. It runs in the configuration's folder and finds the service in
 * NERVE_SERVICE, NERVE_HOST and NERVE_PORT. Its whole process group is killed at its
 * deadline, and so are child processes that are left when it exits by itself.
 */
export const exec: CheckMechanism<typeof schema> = {
  type: 'exec',
  schema,
  create: ({ name, command }, deps) => {
    const argv = Array.isArray(command) ? command : ['/bin/sh', '-c', command.shell];
    const shown = Array.isArray(command) ? command.join(' ') : command.shell;
    return {
      name: name ?? `${deps.service} exec-${argv[0]}`,
      run: async (signal) => {
        try {
          await run(argv, deps, signal);
        } catch (error) {
          throw failure(`run ${shown}`, error);
        }
      },
    };
  },
};

function run(argv: readonly string[], deps: CheckDeps, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawnCheck(argv, deps);
    const lastLine = lastLineOf(child);
    const onAbort = () => killGroup(child.pid);
    const settle = (error?: Error) => {
      signal.removeEventListener('abort', onAbort);
      child.stdout.destroy();
      child.stderr.destroy();
      if (error) reject(error);
      else resolve();
    };
    signal.addEventListener('abort', onAbort);
    child.once('error', settle);
    child.once('exit', (code, ended) => {
      killGroup(child.pid);
      if (signal.aborted) return settle(signal.reason as Error);
      if (code === 0) return settle();
      const how = ended ? `ended by ${ended}` : `exit code ${code}`;
      onceRead(child, () => settle(exitError(how, lastLine())));
    });
  });
}

function spawnCheck([program = '', ...args]: readonly string[], deps: CheckDeps) {
  const { service, host, port, directory } = deps;
  return spawn(program, args, {
    cwd: directory,
    env: { ...process.env, NERVE_SERVICE: service, NERVE_HOST: host, NERVE_PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own process group, so that its children can be ended with it.
    detached: true,
  });
}

/** Calls back once what an ended process wrote was read: a child process of its own may keep the pipe open. */
function onceRead(child: ChildProcess, done: () => void): void {
  const timer = setTimeout(done, 50);
  child.once('close', () => {
    clearTimeout(timer);
    done();
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself already.
  }
}

function exitError(how: string, lastLine: string): Error {
  return new Error(lastLine === '' ? how : `${how}: ${lastLine}`);
}

/** The last line that a process wrote to its standard error, else to its standard output; empty without any. */
function lastLineOf({ stdout, stderr }: ReturnType<typeof spawnCheck>): () => string {
  const [outLine, errorLine] = [createLastLine(stdout), createLastLine(stderr)];
  return () => errorLine() || outLine();
}

/** The last line of a stream so far, at most its last 200 characters. */
function createLastLine(stream: Readable): () => string {
  let tail = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-200);
  });
  return () => tail.trimEnd().split('\n').at(-1)?.trim() ?? '';
}
