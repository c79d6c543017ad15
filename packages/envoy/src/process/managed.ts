import { chmod, mkdir } from 'node:fs/promises';

import { type Log, messageOf, readRegularText, writeFileAtomic } from '@smartstack/daemon';
import {
  createPace,
  descriptorLimit,
  endOf,
  isRunning,
  maxconnFor,
  takeLock,
  textSince,
} from '@smartstack/proxy';

import { createAdmin } from '../admin/client.ts';
import { numberOf } from '../admin/server-info.ts';
import { type Bootstrap, bootstrapOf } from './bootstrap.ts';
import { createBounds } from './bounds.ts';
import { createDeaths } from './deaths.ts';
import { type EnvoyOptions, envoyPaths } from './options.ts';
import { complaintsIn, createProgram, type Program } from './program.ts';
import { createReplacement } from './replace.ts';
import { stop } from './retire.ts';
import { usualArgs } from './start.ts';
import { supervise } from './supervised.ts';
import { createTracked, type Found } from './tracked.ts';

/** What became of Envoy: it ran already, as it should; it was started; another one took over from it. */
export type Ensured = 'running' | 'started' | 'restarted';

/** An Envoy that is kept running. Disposing of it leaves it as it is, or ends it, as `onExit` says. */
export interface ManagedEnvoy extends AsyncDisposable {
  /**
   * Makes the program run with the bootstrap file, and leaves one that does so as it is. Rejects with the reason where
   * it cannot; one that runs then goes on. Resolves once Envoy's admin interface answers: what it serves comes from
   * the xDS server.
   */
  ensure(signal: AbortSignal): Promise<Ensured>;
  /** Yields when it is found dead, and when a start that failed may be tried again. Ends when aborted. */
  ends(signal: AbortSignal): AsyncGenerator<void, void>;
  /** The number of the version that runs, such as `1.40.0`; undefined while that is not known. */
  readonly version: string | undefined;
  status(): EnvoyProcessStatus;
}

export interface EnvoyProcessStatus {
  readonly pid: number | null;
  readonly version: string | null;
  /** Envoy's own word, such as `LIVE`. */
  readonly state: string | null;
  readonly restarts: number;
  readonly bootstrap: string;
  readonly log: string;
  /** Why it is not as it should be. */
  readonly trouble: string | null;
}

/** How soon what failed is tried again, in milliseconds; a start that failed waits longer each time. */
const retryInterval = 1_000;
/** How long its admin interface may take, in milliseconds. */
const answerTime = 2_000;
/** How long `onExit: stop` waits for requests, in milliseconds: the daemon itself has to end in time. */
const longestStop = 6_000;

export function createManagedEnvoy(options: EnvoyOptions, log: Log): ManagedEnvoy {
  const paths = envoyPaths(options);
  const admin = createAdmin(options.admin, { timeout: answerTime });
  const tracked = createTracked(paths, admin);
  const program = createProgram(options.binary);
  const args = usualArgs(options);
  const pace = createPace(() => ({ interval: 1_000, jitter: 0.2 }));
  const replacement = createReplacement(
    { admin, paths, tracked, args, timeout: options.startTimeout, drainTime: options.drainTime },
    log,
  );
  const deaths = createDeaths({ admin, tracked, pace, bound: createBounds(paths, log) });
  let lock: AsyncDisposable | undefined;
  let adopted: number | undefined;
  let trouble: string | undefined;

  async function ensure(signal: AbortSignal): Promise<Ensured> {
    try {
      const done = await ensureNow(signal);
      trouble = done.trouble;
      return done.ensured;
    } catch (error) {
      signal.throwIfAborted();
      trouble = messageOf(error);
      deaths.retry(Math.max(pace.next, performance.now() + retryInterval));
      throw error;
    }
  }

  async function ensureNow(signal: AbortSignal): Promise<Done> {
    await makeFolder(options.directory);
    lock ??= await takeLock(
      paths.lock,
      'stop that one, or give this one another envoy.run_directory',
    );
    const bootstrap = await writeBootstrap();
    if (options.supervised) {
      const command = [options.binary, '-c', paths.bootstrap, '--disable-hot-restart', ...args];
      const parts = { tracked, paths, bootstrap, command: command.join(' ') };
      return { ensured: 'running', trouble: await supervise(parts, signal) };
    }
    const wanted = await program(signal).catch((error: unknown) => {
      signal.throwIfAborted();
      return error instanceof Error ? error : new Error(String(error));
    });
    const found = await tracked.find(signal);
    if (found?.info && isWanted(found, wanted, bootstrap)) return adopt(found, wanted);
    if (wanted instanceof Error) throw wanted;
    if (performance.now() < pace.next)
      throw new Error(trouble ?? (found ? tooSoon : await endedSoon(paths.log)));
    pace.trying(true);
    const next = { program: wanted, bootstrap: bootstrap.id };
    if (found) await replacement.replace(found, next, signal);
    else await replacement.start(next, signal);
    pace.succeeded();
    adopted = tracked.process?.pid;
    return { ensured: found ? 'restarted' : 'started' };
  }

  async function writeBootstrap(): Promise<Bootstrap> {
    const maxConnections = maxconnFor(await descriptorLimit());
    const { ejections } = paths;
    const own = options.supervised ? [] : args;
    const bootstrap = bootstrapOf({ options, maxConnections, ejections, args: own });
    const before = await readRegularText(paths.bootstrap).catch(() => undefined);
    if (before !== bootstrap.text) await writeFileAtomic(paths.bootstrap, bootstrap.text, 0o600);
    return bootstrap;
  }

  /** One that runs already is left alone; where the program is missing, one of whatever version is. */
  function adopt({ process, info }: Found, wanted: Program | Error): Done {
    if (adopted !== process?.pid && info)
      log.info(
        { envoy_pid: process?.pid, version: numberOf(info.version) },
        'envoy runs already: taken over',
      );
    adopted = process?.pid;
    replacement.retireBefore();
    return {
      ensured: 'running',
      ...(wanted instanceof Error && { trouble: messageOf(wanted) }),
    };
  }

  return {
    ensure,
    ends: deaths.follow,
    get version() {
      return tracked.info && numberOf(tracked.info.version);
    },
    status: () => ({
      pid: tracked.process && isRunning(tracked.process) ? tracked.process.pid : null,
      version: (tracked.info && numberOf(tracked.info.version)) ?? null,
      state: tracked.info?.state ?? null,
      restarts: tracked.info?.epoch ?? 0,
      bootstrap: paths.bootstrap,
      log: paths.log,
      trouble: trouble ?? null,
    }),
    [Symbol.asyncDispose]: async () => {
      await replacement[Symbol.asyncDispose]();
      try {
        if (lock && options.onExit === 'stop' && !options.supervised) await stopNow();
      } finally {
        await lock?.[Symbol.asyncDispose]();
        lock = undefined;
      }
    },
  };

  async function stopNow(): Promise<void> {
    const { signal } = new AbortController();
    const found = await tracked.find(signal);
    if (!found?.process) return;
    await stop(found.process, admin, Math.min(options.drainTime, longestStop), signal);
    log.info({ envoy_pid: found.process.pid }, 'envoy stopped');
  }
}

interface Done {
  readonly ensured: Ensured;
  readonly trouble?: string | undefined;
}

function isWanted({ info }: Found, wanted: Program | Error, bootstrap: Bootstrap): boolean {
  if (wanted instanceof Error) return true;
  return (
    info?.version === wanted.version &&
    info.bootstrap === bootstrap.id &&
    // One that was told to end serves no new connection, whoever told it.
    info.state !== 'DRAINING'
  );
}

const tooSoon = 'cannot restart Envoy: it was started just now; this is tried again in a moment';

/** With what Envoy complained about last. */
async function endedSoon(log: string): Promise<string> {
  const end = await endOf(log);
  const said = complaintsIn(await textSince(log, Math.max(0, end - 4_096)));
  return `Envoy ended soon after its start${said && `: ${said}`}; it is started again in a moment`;
}

async function makeFolder(directory: string): Promise<void> {
  if ((await mkdir(directory, { recursive: true, mode: 0o700 })) !== undefined)
    await chmod(directory, 0o700);
}
