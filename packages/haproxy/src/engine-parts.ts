import type { Log } from '@smartstack/daemon';

import { createQuarantine, type Due, type Hosts, type Pace } from '@smartstack/proxy';
import type { HaproxyConfig } from './config/config.ts';
import type { Desired } from './desired/desired.ts';
import { createDesiredState } from './desired/desired.ts';
import { noticesTo } from './desired/notices.ts';
import type { Environment } from './process/environment.ts';
import { createConfigFile } from './reload/config-file.ts';
import { createReloads } from './reload/reloads.ts';
import type { SavedState } from './reload/state-file.ts';
import { createActual } from './runtime/actual.ts';
import { createAllowLists } from './runtime/allow-lists.ts';
import { together } from './runtime/live-values.ts';
import { createMembership } from './runtime/membership.ts';
import { createPolicyValues } from './runtime/policy-values.ts';
import { createSync } from './runtime/sync.ts';
import type { Meters } from './status/metrics.ts';
import type { StatusInput } from './status/status.ts';

export interface EngineOptions {
  readonly config: HaproxyConfig;
  readonly environment: Environment;
  readonly saved: SavedState;
  readonly hosts: Hosts;
  readonly due: Due;
  readonly pace: Pace;
  readonly meters: Meters;
  readonly log: Log;
}

/** The parts of an engine: what HAProxy has, what it should have, its file, and when that is loaded. */
export function partsOf(options: EngineOptions) {
  const { config, environment, saved, hosts, due, pace, meters, log } = options;
  const { settings, runtimes, paths } = environment;
  const maxId = config.max_server_id;
  const parkTime = paths.state === undefined ? undefined : config.state_file_ttl;
  const quarantine = createQuarantine(saved.good);
  const syncs = runtimes.map((one) => createSync(one, { maxId, parkTime, log }));
  const membership = createMembership({ syncs, due, drainTimeout: config.drain_timeout });
  const configFile = createConfigFile({ ...environment, sync: syncs[0], maxId, due, log });
  const desire = createDesiredState({
    settings,
    hosts,
    choose: quarantine.choose,
    choices: quarantine.choices,
    addressOf: (server) => configFile.written?.servers.get(server)?.host,
    ...noticesTo(log),
  });
  const live = { files: settings.files, runtimes };
  const values = together([createPolicyValues(live), createAllowLists(live)], (changes) => {
    meters.steps.inc(changes);
    log.info({ changes }, 'policy values changed without a reload');
  });
  const actual = createActual({ environment, membership, configFile, saved, log });
  const shared = { config, environment, due, pace, meters, log };
  const reloads = createReloads({
    ...shared,
    actual,
    desire,
    quarantine,
    syncs,
    configFile,
    values,
  });
  return { quarantine, syncs, configFile, desire, values, actual, reloads };
}

export type Parts = ReturnType<typeof partsOf>;

/** Brings the gauges up to date. */
export function measure(meters: Meters, { quarantine, actual, reloads }: Parts): void {
  meters.quarantined.set(quarantine.list().length);
  meters.up.set(actual.running ? 1 : 0);
  meters.notInStep.set(reloads.stuck.size);
}

/** What the parts know, for `status`. */
export function statusInputOf(
  { config, environment: { runtimes, settings }, pace }: EngineOptions,
  { actual, syncs, quarantine, configFile, reloads }: Parts,
  desired: ReadonlyMap<string, Desired>,
): StatusInput {
  return {
    seen: actual.seen(),
    hasSocket: runtimes.length > 0,
    config,
    running: actual.running,
    desired,
    syncs,
    quarantine: quarantine.list(),
    fileTrouble: configFile.trouble,
    pending: reloads.pending,
    refusal: reloads.refusal,
    stuck: reloads.stuck,
    isReloading: reloads.isUnderWay,
    nextReload: pace.next,
    capabilities: settings.capabilities,
  };
}
