import { isDeepStrictEqual } from 'node:util';

import type { Due, Quarantine } from '@smartstack/proxy';

import { type HaproxyConfig, type HaproxyService, isManaged } from '../config/config.ts';
import type { Desired } from '../desired/desired.ts';
import type { Environment } from '../process/environment.ts';
import { createLayouts, type Layout } from '../render/layout.ts';
import type { Actual } from '../runtime/actual.ts';
import type { SyncedMembers } from '../runtime/membership.ts';
import { partsOf } from './accepted.ts';
import { blockedOf } from './blocked.ts';
import type { ConfigFile } from './config-file.ts';
import { type Reasons, reloadReasons } from './reasons.ts';
import { createReloadRequests } from './requests.ts';

/** Why HAProxy is to load a file, and why services are not in step where that does not help. */
export interface ReloadNeed {
  /** Why services are not as desired, where neither a command nor a reload helps now. */
  readonly blocked: Reasons;
  /** The layout of the file that is desired. */
  wanted(desired: ReadonlyMap<string, Desired>): Layout;
  /** Why HAProxy is to load a file, by what asks for it; notes what is blocked. */
  reasons(desired: ReadonlyMap<string, Desired>, layouts: Layouts): Promise<Reasons>;
  /** Members were compared with HAProxy; some need a reload. */
  compared(synced: SyncedMembers): void;
  /** A file was loaded. */
  loaded(): void;
}

export interface Layouts {
  readonly wanted: Layout;
  /** The layout of the file on disk, where it is known. */
  readonly layout: Layout | undefined;
}

export interface ReloadNeedOptions {
  readonly config: HaproxyConfig;
  readonly environment: Environment;
  readonly actual: Actual;
  readonly quarantine: Quarantine<HaproxyService>;
  readonly configFile: ConfigFile;
  readonly due: Due;
}

export function createReloadNeed(options: ReloadNeedOptions): ReloadNeed {
  const { config, environment, actual, quarantine, configFile, due } = options;
  const { runtimes, paths } = environment;
  const layouts = createLayouts(environment.settings);
  const requests = createReloadRequests();
  let blocked: Reasons = new Map();

  function noteBlocked(
    desired: ReadonlyMap<string, Desired>,
    reasons: { waiting: Reasons; asked: Reasons; cannot: string | undefined },
  ): void {
    const before = blocked;
    const isForeign = paths.config === undefined && actual.running !== undefined;
    blocked = blockedOf({ desired, ...reasons, backends: isForeign ? actual.backends : undefined });
    // A reload by hand is to load what is desired.
    if (!isDeepStrictEqual(before, blocked)) configFile.touch();
  }

  return {
    get blocked() {
      return blocked;
    },
    wanted: (desired) => layouts(partsOf(desired), quarantine.leftOut),
    reasons: async (desired, { wanted, layout }) => {
      const desiredOnly = (reasons: Reasons) =>
        new Map([...reasons].filter(([service]) => desired.has(service)));
      if (layout === wanted && configFile.written?.shape !== wanted.shape) configFile.touch();
      const asked = desiredOnly(requests.due());
      const cannot = whyNoReload(config, paths.config);
      noteBlocked(desired, { waiting: desiredOnly(requests.waiting()), asked, cannot });
      if (requests.next < Infinity) due.at('reload', requests.next);
      if (cannot !== undefined) asked.clear();
      if (paths.config === undefined) return new Map();
      const isBehind =
        runtimes.length === 0 &&
        layout !== undefined &&
        (await configFile.differs(layout, desired));
      return reloadReasons({ running: actual.running, wanted, asked, isBehind });
    },
    compared: ({ compared, reload: reasons }) => requests.compared(compared, reasons),
    loaded: requests.loaded,
  };
}

/** Why synapse cannot have a file loaded; undefined where it can. */
function whyNoReload(config: HaproxyConfig, file: string | undefined): string | undefined {
  if (file === undefined) return 'a reload would do it, but do_writes is false';
  if (isManaged(config) || config.do_reloads) return undefined;
  return 'a reload would do it, but do_reloads is false: reload HAProxy yourself';
}
