import { rename, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { createDeadline, type Log, messageOf } from '@smartstack/daemon';
import { isRunning, type ProcessId } from '@smartstack/proxy';

import { createAdmin } from '../admin/client.ts';
import { numberOf, serverInfo } from '../admin/server-info.ts';
import { type Program, refusal } from './program.ts';
import { retire, stop } from './retire.ts';
import { baseIdOf, type Launcher, launch } from './start.ts';
import type { Found } from './tracked.ts';

/** How long an Envoy whose admin interface is closed may be starting, in milliseconds. */
const closedTime = 2_000;
/** How long a second Envoy beside the first may take until it serves, in milliseconds. */
const readyTime = 15_000;
/** How long a start waits for the requests of the one before where both cannot run, in milliseconds. */
const longestGap = 1_000;
/** What Envoy says where it is the hot restart itself that does not work, and no file or address. */
const hotRestartOnly = /initializing|parent|shared memory|shm_open|hot.?restart|domain socket/i;

export interface ReplacementOptions extends Launcher {
  readonly args: readonly string[];
  readonly drainTime: number;
}

/** What is to run. */
export interface Wanted {
  readonly program: Program;
  /** What the bootstrap file calls itself. */
  readonly bootstrap: string;
}

/** Puts another Envoy in the place of one that runs. Disposing of it leaves Envoys that are about to end to the next synapse. */
export interface Replacement extends AsyncDisposable {
  /** Loses no request; rejects where that cannot be done, and then the one that runs goes on. */
  replace(found: Found, wanted: Wanted, signal: AbortSignal): Promise<void>;
  /** Starts one where none runs. */
  start(wanted: Wanted, signal: AbortSignal): Promise<void>;
  /** Ends one that was replaced, if nothing else did. */
  retireBefore(): void;
}

export function createReplacement(options: ReplacementOptions, log: Log): Replacement {
  const { admin, paths, tracked, args, drainTime } = options;
  const ended = new AbortController();
  const retiring = new Map<number, Promise<void>>();

  async function replace(found: Found, wanted: Wanted, signal: AbortSignal): Promise<void> {
    const current = await settled(found, signal);
    if (!current) return start(wanted, signal);
    const { process, info } = current;
    const refused = await refusal(wanted.program, paths.bootstrap, signal);
    if (refused !== undefined) throw new Error(`cannot restart Envoy: ${refused}`);
    const before = tracked.state?.before;
    const isEarly = info?.state.endsWith('INITIALIZING');
    if (isEarly && before && isRunning(before))
      throw new Error('cannot restart Envoy: it has not yet taken over from the one before');
    // One that never served has no connection to lose.
    if (isEarly && process) {
      await stop(process, admin, 0, signal);
      return start(wanted, signal);
    }
    const obstacle = obstacleTo(current, wanted.program);
    if (obstacle !== undefined) return beside(current, wanted, obstacle, signal);
    try {
      await hotRestart(current, wanted, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!hotRestartOnly.test(messageOf(error))) throw error;
      await beside(current, wanted, messageOf(error), signal);
    }
  }

  /** Waits for one that may just be starting; undefined where none is left. */
  async function settled(found: Found, signal: AbortSignal): Promise<Found | undefined> {
    const deadline = performance.now() + closedTime;
    let now: Found | undefined = found;
    while (now && !now.info && now.isClosed && performance.now() < deadline) {
      await sleep(50, undefined, { signal });
      now = await tracked.find(signal);
    }
    if (now && !now.info && !now.isClosed)
      throw new Error(
        `cannot restart Envoy: it runs with pid ${now.process?.pid}, but does not answer at its admin interface`,
      );
    return now;
  }

  async function start({ program, bootstrap }: Wanted, signal: AbortSignal): Promise<void> {
    const baseId = baseIdOf(paths.directory);
    const { before } = tracked.state ?? {};
    await launch(
      options,
      { program: program.path, bootstrap, args, epoch: 0, baseId, before },
      signal,
    );
    say('envoy started');
    retireBefore();
  }

  async function hotRestart(
    { process, state, info }: Found,
    { program, bootstrap }: Wanted,
    signal: AbortSignal,
  ): Promise<void> {
    const { epoch = 0, baseId = 0 } = info ?? state ?? {};
    const what = { program: program.path, bootstrap, args, epoch: epoch + 1, baseId };
    await launch(options, { ...what, before: process }, signal);
    say('envoy restarted: another one takes over');
    retireBefore();
  }

  /** A second one listens at the same addresses; then the first one stops to, and ends once it is idle. */
  async function beside(
    { process, info }: Found,
    { program, bootstrap }: Wanted,
    reason: string,
    signal: AbortSignal,
  ): Promise<void> {
    // A port cannot be moved aside, so that there is a gap.
    if (info && process && !('path' in admin.place)) {
      await stop(process, admin, Math.min(drainTime, longestGap), signal);
      return start({ program, bootstrap }, signal);
    }
    const baseId = [0, 1]
      .map((n) => baseIdOf(paths.directory, n))
      .find((id) => id !== info?.baseId);
    const what = { program: program.path, bootstrap, args, epoch: 0, baseId: baseId ?? 0 };
    const aside = await setAside(info !== undefined);
    try {
      await launch(options, { ...what, before: process }, signal);
      await ready(signal);
    } catch (error) {
      await aside?.putBack();
      throw error;
    }
    say('envoy restarted: a second one took its place', { reason });
    if (process)
      inBackground(process, aside ? aside.stop(process) : retire(process, 0, ended.signal));
  }

  /** Moves the first one's admin socket, at which it goes on to answer, so that the second can have the path. */
  async function setAside(answers: boolean) {
    const { place } = admin;
    if (!answers || !('path' in place)) return undefined;
    const path = `${place.path}.old`;
    await rename(place.path, path);
    return {
      putBack: () => rename(path, place.path),
      stop: async (process: ProcessId) => {
        await stop(process, createAdmin({ path }), drainTime, ended.signal);
        await rm(path, { force: true });
      },
    };
  }

  async function ready(signal: AbortSignal): Promise<void> {
    using deadline = createDeadline(readyTime, signal);
    try {
      while ((await tracked.find(deadline.signal))?.info?.state !== 'LIVE')
        await sleep(50, undefined, { signal: deadline.signal });
    } catch (error) {
      signal.throwIfAborted();
      if (tracked.process) await stop(tracked.process, admin, 0, signal);
      const why = deadline.isOver ? `not ready in ${readyTime} ms` : messageOf(error);
      throw new Error(`cannot start Envoy beside the one that runs: ${why}`, { cause: error });
    }
  }

  function retireBefore(): void {
    const { state, process: current } = tracked;
    const before = state?.before;
    if (!before || !current || !isRunning(before) || retiring.has(before.pid)) return;
    const retired = async () => {
      if (await takesOver(current, before)) await retire(before, drainTime, ended.signal);
    };
    inBackground(before, retired());
  }

  /** Waits until one serves in the place of another; false where it ends before, and the other one is still needed. */
  async function takesOver(current: ProcessId, before: ProcessId): Promise<boolean> {
    while (isRunning(before) && tracked.process === current && isRunning(current)) {
      const info = await serverInfo(admin, ended.signal).catch(() => undefined);
      if (info?.state === 'LIVE') return true;
      await sleep(250, undefined, { signal: ended.signal });
    }
    return false;
  }

  function inBackground({ pid }: ProcessId, work: Promise<void>): void {
    const done = work
      .catch(() => undefined)
      .then(() => {
        if (retiring.get(pid) === done) retiring.delete(pid);
      });
    retiring.set(pid, done);
  }

  function say(message: string, more = {}): void {
    const { process, info } = tracked;
    const version = info && numberOf(info.version);
    log.info({ envoy_pid: process?.pid, version, log: paths.log, ...more }, message);
  }

  return {
    replace,
    start,
    retireBefore,
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await Promise.all(retiring.values());
    },
  };
}

/** Why the next Envoy cannot take over the sockets of this one; undefined where it can. */
function obstacleTo({ info, state }: Found, program: Program): string | undefined {
  if (!info) return state ? undefined : 'nothing is known of the one that runs';
  if (info.state === 'DRAINING') return 'the one that runs has been told to end';
  if (info.hotRestart === undefined) return 'the one that runs was started without hot restart';
  if (info.hotRestart !== program.hotRestart)
    return `hot restart is ${info.hotRestart} with the one that runs, ${program.hotRestart} with the new one`;
  return undefined;
}
