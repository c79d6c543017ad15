import { once } from 'node:events';
import { chown } from 'node:fs/promises';
import { connect } from 'node:net';
import { execa } from 'execa';
import { createProbe, type Result } from '../../packages/nerve/src/checks/probe.ts';
import { checkSchema, createCheck } from '../../packages/nerve/src/checks/table.ts';
import { createTtlReports } from '../../packages/nerve/src/checks/ttl-reports.ts';

import { freePort } from '../support/ports.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

/** A real server in a folder of its own, on a free port of 127.0.0.1; gone without a trace when disposed of. */
export interface RealServer extends AsyncDisposable {
  readonly port: number;
  kill(signal: NodeJS.Signals): void;
}

export interface ServerOptions {
  /** The system's user that it runs as when the tests run as root. */
  readonly user?: string;
  /** Runs to the end before the server starts. */
  prepare?(run: Run, place: Place): Promise<unknown>;
  /** What must run beside the server. */
  companion?(place: Place): readonly string[];
  /** The server's command line. */
  command(place: Place): readonly string[];
  env?(place: Place): Readonly<Record<string, string>>;
}

export interface Place {
  readonly directory: string;
  readonly port: number;
  /** A second free port. */
  readonly otherPort: number;
  /** A third one. */
  readonly thirdPort: number;
}

type Run = (argv: readonly string[]) => Promise<unknown>;

/** Starts a server and waits until it accepts connections. */
export async function startServer(options: ServerOptions): Promise<RealServer> {
  const scratch = await createScratch();
  const place = {
    directory: scratch.directory,
    port: await freePort(),
    otherPort: await freePort(),
    thirdPort: await freePort(),
  };
  const identity = await identityOf(options.user, scratch);
  const env = options.env?.(place) ?? {};
  // Each leads a process group of its own, so that a signal reaches all that a start script started.
  const spawn = ([program = '', ...args]: readonly string[]) =>
    execa(program, args, {
      ...identity,
      env,
      cwd: place.directory,
      all: true,
      reject: false,
      detached: true,
    });
  const run: Run = async (argv) => {
    const { failed, all } = await spawn(argv);
    if (failed) throw new Error(`${argv.join(' ')} failed: ${all}`);
  };
  await options.prepare?.(run, place);
  const companion = options.companion && spawn(options.companion(place));
  const child = spawn(options.command(place));
  const stop = async () => {
    for (const each of [child, companion]) if (each) signalGroup(each.pid, 'SIGKILL');
    const { all } = await child;
    await companion;
    await scratch[Symbol.asyncDispose]();
    return all;
  };
  try {
    await until(() => accepts(place.port), 60_000);
  } catch (error) {
    throw new Error(`server did not start: ${await stop()}`, { cause: error });
  }
  return {
    port: place.port,
    kill: (signal) => signalGroup(child.pid, signal),
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

/** Runs a check of nerve's once against a server. */
export async function runCheck(keys: object, { port }: { port: number }): Promise<Result> {
  const config = checkSchema.parse({ timeout: 5, ...keys });
  const deps = {
    service: 'real',
    host: '127.0.0.1',
    port,
    directory: '/',
    ttlReports: createTtlReports(),
  };
  const check = await createCheck(config, deps);
  return createProbe(check, config.timeout, new AbortController().signal)();
}

async function identityOf(user: string | undefined, { directory }: Scratch) {
  if (user === undefined || process.getuid?.() !== 0) return {};
  const id = async (flag: string) => Number((await execa('id', [flag, user])).stdout);
  const identity = { uid: await id('-u'), gid: await id('-g') };
  await chown(directory, identity.uid, identity.gid);
  return identity;
}

async function accepts(port: number): Promise<true> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}
