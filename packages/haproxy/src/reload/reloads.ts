import { type Log, messageOf } from '@smartstack/daemon';
import {
  createReloading,
  type Due,
  type Pace,
  type Quarantine,
  type Snapshot,
} from '@smartstack/proxy';

import type { HaproxyConfig, HaproxyService } from '../config/config.ts';
import type { Desired, DesiredState } from '../desired/desired.ts';
import type { Environment } from '../process/environment.ts';
import type { Layout } from '../render/layout.ts';
import type { Actual } from '../runtime/actual.ts';
import type { LiveValues } from '../runtime/live-values.ts';
import type { SyncedMembers } from '../runtime/membership.ts';
import { removeStale } from '../runtime/stale-files.ts';
import type { Sync } from '../runtime/sync.ts';
import type { Meters } from '../status/metrics.ts';
import type { ConfigFile } from './config-file.ts';
import { createReloadNeed } from './need.ts';
import type { Reasons } from './reasons.ts';
import { type Reloaded, reload } from './reload.ts';

/** When and why HAProxy loads a new file, and what became of it; one at a time. */
export interface Reloads {
  /** The layout of the file on disk, where that is known. */
  readonly layout: Layout | undefined;
  readonly isUnderWay: boolean;
  /** Why the last reload failed; undefined once one succeeded. */
  readonly refusal: string | undefined;
  /** Why HAProxy is to load a file, by what asks for it. */
  readonly pending: Reasons;
  /** Why services are not as desired, where neither a command nor a reload helps now. */
  readonly stuck: Reasons;
  /** Members were compared with HAProxy; some need a reload. */
  compared(synced: SyncedMembers): void;
  /** Finds out why HAProxy is to load a file, and notes what no reload helps. */
  consider(desired: ReadonlyMap<string, Desired>): Promise<Reasons>;
  /**
   * Loads the file for a snapshot; false when HAProxy runs it already, but for services that are left out,
   * and when loading takes so long that a later `take` gets the result.
   */
  load(
    snapshot: Snapshot,
    newest: () => ReadonlyMap<string, Desired>,
    signal: AbortSignal,
  ): Promise<boolean>;
  /** The result of a load that took long; undefined while it goes on. */
  take(signal: AbortSignal): Promise<Taken | undefined>;
  /** Waits for a load that is under way, and notes its file. */
  close(): Promise<void>;
}

/** How a load that took long ended. */
export interface Taken {
  readonly isLoaded: boolean;
  readonly error?: Error | undefined;
}

export interface ReloadsOptions {
  readonly config: HaproxyConfig;
  readonly environment: Environment;
  readonly actual: Actual;
  readonly desire: DesiredState;
  readonly quarantine: Quarantine<HaproxyService>;
  readonly syncs: readonly Sync[];
  readonly configFile: ConfigFile;
  readonly values: LiveValues;
  readonly due: Due;
  readonly pace: Pace;
  readonly meters: Meters;
  readonly log: Log;
}

/** How long `load` waits for its end, in milliseconds. */
const patience = 500;

export function createReloads(options: ReloadsOptions): Reloads {
  const { environment, actual, desire, quarantine, syncs, values } = options;
  const { configFile, due, pace, meters, log } = options;
  const need = createReloadNeed(options);
  const reloading = createReloading<Reloaded>(() => due.at('loaded', performance.now()));
  let layout: Layout | undefined;
  let pending: Reasons = new Map();
  let refusal: string | undefined;

  async function load(
    snapshot: Snapshot,
    newest: () => ReadonlyMap<string, Desired>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const before = actual.running;
    const asked = [...pending.keys()];
    const isNews = ({ shape }: Layout) =>
      shape !== before?.shape || asked.some((what) => what !== 'shape');
    const isRevival = !before && actual.lastPid === undefined;
    pace.trying(isRevival);
    const state = { written: configFile.written, pid: before?.pid, isNews, isRevival };
    const parts = { environment, desire, quarantine, syncs, values, log, newest, ...state };
    reloading.begin(() => reload(snapshot, parts, signal).catch(refused));
    // Where no HAProxy runs there are no members to bring in step meanwhile.
    await reloading.settled(before ? patience : undefined);
    const ended = reloading.take();
    if (ended?.error) throw ended.error;
    return ended !== undefined && (await loaded(ended.loaded, signal));
  }

  function refused(error: unknown): never {
    refusal = messageOf(error);
    meters.reloads.inc({ result: 'failed' });
    throw error;
  }

  /** Notes what was loaded; false when nothing was. */
  async function loaded({ layout: now, file }: Reloaded, signal: AbortSignal): Promise<boolean> {
    layout = now;
    pending = new Map();
    need.loaded();
    refusal = undefined;
    pace.succeeded();
    if (!file) return false;
    configFile.replaced(file);
    configFile.touch();
    meters.reloads.inc({ result: 'ok' });
    quarantine.loaded(now.parts);
    await actual.loaded(now, file, signal);
    await removeStale(environment.settings.files, now.parts);
    return true;
  }

  return {
    get layout() {
      return layout;
    },
    get isUnderWay() {
      return reloading.isUnderWay;
    },
    get refusal() {
      return refusal;
    },
    get pending() {
      return pending;
    },
    get stuck() {
      return need.blocked;
    },
    compared: need.compared,
    consider: async (desired) => {
      const wanted = need.wanted(desired);
      if (actual.running?.shape === wanted.shape) layout ??= wanted;
      pending = await need.reasons(desired, { wanted, layout });
      return pending;
    },
    load,
    take: async (signal) => {
      const ended = reloading.take();
      if (!ended) return undefined;
      if (ended.error) return { isLoaded: false, error: ended.error };
      return { isLoaded: await loaded(ended.loaded, signal) };
    },
    close: async () => {
      await reloading.settled();
      const late = reloading.take()?.loaded;
      if (!late?.file) return;
      layout = late.layout;
      configFile.replaced(late.file);
      configFile.touch();
    },
  };
}
