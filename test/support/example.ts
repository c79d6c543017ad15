import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';

import { execa } from 'execa';

import { type Daemon, runDaemonOn } from './daemon.ts';
import { createScratch, type Scratch } from './scratch.ts';
import { stopHaproxy } from './stage.ts';
import { until } from './until.ts';

type Changes = Readonly<Record<string, string | number>>;

/** Copies a file into the scratch folder with some words replaced and lines added; returns its path. */
export async function copyExample(
  file: string,
  scratch: Scratch,
  changes: Changes,
  lines: readonly string[] = [],
): Promise<string> {
  let text = await readFile(file, 'utf8');
  for (const [old, value] of Object.entries(changes)) text = text.replaceAll(old, `${value}`);
  const path = scratch.path(file.split('/').at(-1) ?? file);
  await writeFile(path, [text, ...lines, ''].join('\n'));
  return path;
}

/** One machine that runs an example's files. Disposing of it ends what it started, HAProxy too. */
export interface Machine extends AsyncDisposable {
  readonly scratch: Scratch;
  /** The example's file as this machine has it. */
  place(file: string, changes?: Changes): Promise<string>;
  /** Starts the daemon that the file's name begins with, on the example's file. */
  start(file: string, changes?: Changes): Promise<Daemon>;
}

/** A machine for `examples/<folder>`, with these words of its files replaced. */
export async function createMachine(folder: string, changes: Changes): Promise<Machine> {
  const scratch = await createScratch();
  await chmod(scratch.directory, 0o755);
  const daemons: Daemon[] = [];
  const own = {
    nerve: [`state_directory: ${scratch.path('state')}`, 'status_address: false'],
    synapse: [
      `haproxy: {run_directory: ${scratch.path('run')}, stats_address: false}`,
      'status_address: false',
    ],
  };
  const daemonOf = (file: string) => (file.startsWith('nerve') ? 'nerve' : 'synapse');
  const place = (file: string, others: Changes = {}) => {
    const lines = own[daemonOf(file)];
    return copyExample(join('examples', folder, file), scratch, { ...changes, ...others }, lines);
  };
  return {
    scratch,
    place,
    async start(file, others) {
      const daemon = runDaemonOn(daemonOf(file), await place(file, others));
      daemons.push(daemon);
      return daemon;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(daemons.map((daemon) => daemon[Symbol.asyncDispose]()));
      await stopHaproxy(scratch.path('run'));
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** Starts an example's program with node; resolves once it says that it listens. */
export async function startProgram(file: string, ...args: readonly string[]) {
  const child = execa('node', [file, ...args], { reject: false });
  await Promise.race([once(child.stdout, 'data'), child]);
  return {
    ended: child,
    leave: () => child.kill('SIGTERM'),
    kill: () => child.kill('SIGKILL'),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await child;
    },
  };
}

/** Starts the example service as a copy of this name. */
export const startService = (name: string, port: number, drain = 0) =>
  startProgram(
    'examples/http-service/service.js',
    ...['--name', name, '--port', `${port}`, '--drain', `${drain}`],
  );

/** What is answered on a connection of its own; rejects unless the status is 200. */
export async function ask(port: number, path = '/'): Promise<string> {
  const response = await fetchOnce(port, path);
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  return (await response.setEncoding('utf8').toArray()).join('').trim();
}

/** The first answer through a proxy that daemons, started a moment ago, bring up. */
export const firstAnswer = (port: number) => until(() => ask(port), 30_000);

/** The status alone. */
export async function statusOf(port: number, path: string) {
  const response = await fetchOnce(port, path);
  response.resume();
  return response.statusCode;
}

/** How often each copy answered so many requests, one after the other. */
export async function shares(
  port: number,
  requests: number,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < requests; i += 1) {
    const name = await ask(port);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function fetchOnce(port: number, path: string) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, agent: false, timeout: 2_000 };
    const request = get(options, resolve).on('error', reject);
    request.on('timeout', () => request.destroy(new Error('no answer in 2000 ms')));
  });
}
