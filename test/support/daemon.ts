import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { execa } from 'execa';
import { stringify } from 'yaml';

import { schemaOfDaemon } from './json-schema.ts';

export interface LogRecord {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A daemon as users run it. Disposing of it sends SIGTERM and waits; after 12 s it is killed. */
export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  /** What it logged so far. */
  readonly log: readonly LogRecord[];
  /** Its exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The path of a daemon's command: of the bundle that the tests' run has, else of the build. */
export const commandOf = (name: 'nerve' | 'synapse') =>
  join(process.env.BUNDLED_DAEMONS ?? join(root, 'packages'), name, 'bin', `${name}.js`);

/** How a daemon is run. */
export interface HowToRun {
  /** What goes before the command. */
  readonly prefix?: readonly string[];
  /** The command's file; `commandOf` unless told. */
  readonly command?: string;
}

/** Writes a configuration into a folder as `<name>.yaml`, and starts the daemon on it. */
export async function startDaemon(
  name: 'nerve' | 'synapse',
  config: object,
  directory: string,
  how: HowToRun = {},
): Promise<Daemon> {
  const file = join(directory, `${name}.yaml`);
  // What outlives a daemon stays within its test.
  const state = name === 'nerve' ? { state_directory: join(directory, 'state') } : {};
  const text = stringify({ ...state, ...config });
  const complaints = (await schemaOfDaemon(name))(text);
  if (complaints.length > 0) throw new Error(`not by its JSON Schema: ${complaints.join(', ')}`);
  await writeFile(file, text);
  return runDaemonOn(name, file, how);
}

/** Starts a daemon on a configuration file that is there. */
export function runDaemonOn(
  name: 'nerve' | 'synapse',
  file: string,
  { prefix = [], command = commandOf(name) }: HowToRun = {},
): Daemon {
  const [program = '', ...args] = [...prefix, process.execPath, command, '-c', file];
  const child = execa(program, args, {
    stdin: 'ignore',
    stdout: 'ignore',
    reject: false,
    buffer: false,
    forceKillAfterDelay: 12_000,
  });
  const log: LogRecord[] = [];
  const read = (async () => {
    for await (const line of child.iterable({ from: 'stderr' })) log.push(parse(line));
  })();
  const exited = child.then(async ({ exitCode, signal }) => {
    await read.catch(() => {});
    return exitCode ?? signal ?? 'unknown';
  });
  return {
    pid: child.pid ?? 0,
    log,
    exited,
    kill: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function parse(line: string): LogRecord {
  try {
    return JSON.parse(line) as LogRecord;
  } catch {
    return { level: 0, msg: line };
  }
}
