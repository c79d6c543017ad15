import type { Log } from '@smartstack/daemon';
import type { Environment } from '../process/environment.ts';
import type { Running } from '../process/loader.ts';
import { createRunning } from '../process/running.ts';
import type { ConfigFile } from '../reload/config-file.ts';
import type { SavedState } from '../reload/state-file.ts';
import type { Layout } from '../render/layout.ts';
import { readWritten, type WrittenFile } from '../render/written.ts';
import { createLatestStates, type LatestStates, type Seen } from './latest-states.ts';
import type { Membership, MembershipInput, SyncedMembers } from './membership.ts';

/** What HAProxy has: which one runs, and the members that it serves. */
export interface Actual {
  /** Undefined while it is not certain. */
  readonly running: Running | undefined;
  /** The worker that last ran; undefined once it is known to be dead. */
  readonly lastPid: number | undefined;
  /** The backends of its file. */
  readonly backends: ReadonlySet<string>;
  /** Finds the HAProxy that runs; one that this process did not start or reload is taken over as it is. */
  find(signal: AbortSignal): Promise<void>;
  /** Brings members in step. */
  sync(now: Omit<MembershipInput, 'backends'>, signal: AbortSignal): Promise<SyncedMembers>;
  /** Asks HAProxy for its actual state, as if nothing were known. */
  audit(signal: AbortSignal): Promise<void>;
  /** HAProxy has just loaded a file. */
  loaded(layout: Layout, file: WrittenFile, signal: AbortSignal): Promise<void>;
  /** HAProxy's actual state is no longer certain. */
  invalidate(): void;
  /** No HAProxy runs. */
  dead(): void;
  /** Asks HAProxy for the states that `seen` answers; at most once a second. */
  refresh: LatestStates['refresh'];
  /** The states that it said last; undefined once they are old. */
  seen(): Seen | undefined;
}

export interface ActualOptions {
  readonly environment: Environment;
  readonly membership: Membership;
  readonly configFile: ConfigFile;
  /** The state that an earlier driver saved. */
  readonly saved: SavedState;
  readonly log: Log;
}

export function createActual(options: ActualOptions): Actual {
  const { environment, membership, configFile, saved, log } = options;
  const haproxy = createRunning(environment, log);
  const states = createLatestStates(environment.runtimes[0]);

  async function find(signal: AbortSignal): Promise<void> {
    if (!(await haproxy.look(signal))) return;
    const isSame = haproxy.running?.pid === saved.pid;
    membership.adopted(configFile.written ?? readWritten(''), isSame ? saved.leaving : {});
    // The synapse before may have ended before it wrote its last changes to the file.
    configFile.touch(0);
  }

  async function sync(
    now: Omit<MembershipInput, 'backends'>,
    signal: AbortSignal,
  ): Promise<SyncedMembers> {
    const synced = await membership.sync({ ...now, backends: haproxy.backends }, signal);
    if (synced.steps > 0) {
      configFile.touch();
      states.changed();
    }
    return synced;
  }

  function invalidate(): void {
    haproxy.invalidate();
    membership.invalidate();
  }

  return {
    get running() {
      return haproxy.running;
    },
    get lastPid() {
      return haproxy.lastPid;
    },
    get backends() {
      return haproxy.backends;
    },
    find,
    sync,
    audit: async (signal) => {
      haproxy.invalidate();
      // That HAProxy does not answer shows in the next `find`.
      await membership.audit(signal).catch(() => membership.invalidate());
    },
    loaded: async (layout, file, signal) => {
      states.changed();
      const backends = new Set(layout.parts.map(({ stanza }) => stanza.backendName));
      await haproxy.loaded(layout.shape, backends, signal);
      membership.loaded(file);
    },
    invalidate,
    dead: haproxy.dead,
    refresh: states.refresh,
    seen: states.latest,
  };
}
