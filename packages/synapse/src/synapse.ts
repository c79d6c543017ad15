import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import {
  createJournal,
  createStatsd,
  createWarningLog,
  type Log,
  tellSupervisor,
  versionOf,
} from '@smartstack/daemon';
import type { ConfigurableDriver, Output, ProxyKind, Snapshot } from '@smartstack/proxy';
import { createRegistries, sessionOptionsOf } from '@smartstack/registry';
import { createCatalog } from './api/catalog.ts';
import { type Reloads, serveSynapse } from './api/serve.ts';
import type { LoadedConfig, SynapseConfig } from './config/config.ts';
import { createOwnedOutputs } from './outputs/disposal.ts';
import { createFileOutput } from './outputs/file-output.ts';
import { createHandOver } from './outputs/hand-over.ts';
import { createRecorder } from './outputs/journal.ts';
import { observed } from './outputs/observed.ts';
import { readSnapshotFile, type SavedServices, savedOf } from './outputs/snapshot-file.ts';
import { createSnapshotWriter } from './outputs/snapshot-writer.ts';
import { createStatsdDriver, withFailuresCounted } from './outputs/statsd.ts';
import { exportTraffic } from './outputs/traffic-metrics.ts';
import { allProxies, sectionOf } from './proxies.ts';
import { followedServices, type SynapseDeps } from './reconcile/followed.ts';
import type { Followed } from './reconcile/follower.ts';
import { createReconciler } from './reconcile/reconciler.ts';

/** How long a start with saved members for every service waits for the registry, in milliseconds. */
const patience = 500;

export interface RunDeps extends SynapseDeps {
  readonly reloads: Reloads;
  /** The proxies that are kept in step; default all. */
  readonly kinds?: readonly ProxyKind[];
  /** How long a proxy driver or output may take to end, in milliseconds. */
  readonly endLimit?: number;
}

/** Follows every configured service and keeps the proxies in step until the signal aborts. */
export async function runSynapse(
  loaded: LoadedConfig,
  deps: RunDeps,
  signal: AbortSignal,
): Promise<void> {
  const { config } = loaded;
  let current = config;
  const logWarnings = createWarningLog(deps.log);
  logWarnings(loaded.warnings);
  const file = snapshotFile(config);
  const saved = file === undefined ? new Map() : await readSnapshotFile(file, deps.log);
  await using registries = createRegistries({
    session: await sessionOptionsOf(config.zookeeper),
    etcd: config.etcd,
    ...deps,
  });
  const { statsd: section } = config;
  using statsd = section && createStatsd({ ...section, sampleRates: section.sample_rate });
  await using owned = createOwnedOutputs(deps.log, deps.endLimit);
  const proxies = (deps.kinds ?? allProxies).map((proxy) => ({
    proxy,
    driver: owned.own(proxy.create(sectionOf(config, proxy.name), deps)),
    section: () => sectionOf(current, proxy.name),
  }));
  const catalog = createCatalog();
  const counted = <Counted extends Output>(output: Counted) =>
    statsd ? withFailuresCounted(output, statsd) : output;
  const journal = createJournal();
  const recorder = createRecorder({
    journal,
    metrics: deps.metrics,
    held: (name) => reconciler.get(name)?.guard?.held(),
  });
  const handOver = createHandOver(deps.log);
  const drivers = proxies.map(({ driver }) => observed(counted(handOver.wrap(driver)), journal));
  const outputs = [
    ...drivers,
    owned.own(catalog.driver),
    owned.own(recorder),
    ...(config.file_output ? [owned.own(counted(createFileOutput(config.file_output)))] : []),
    ...(file === undefined ? [] : [owned.own(createSnapshotWriter(file, saved))]),
  ];
  const counters =
    statsd &&
    owned.own(
      createStatsdDriver({
        statsd,
        version: versionOf(import.meta.url),
        hosts: config.zookeeper?.hosts ?? [],
        followed: (name) => reconciler.get(name),
      }),
    );
  const followed = followedServices(loaded, registries, deps, saved);
  deps.log.info({ services: followed.length }, 'following');
  const reconciler = createReconciler({
    followed,
    outputs: counters ? [...outputs, counters] : outputs,
    startupTimeout: startupTimeoutOf(config, followed),
    ...deps,
  });
  exportTraffic({ metrics: deps.metrics, drivers, snapshot: reconciler.snapshot });
  const tasks = [
    reconciler.run(signal),
    useEach(deps.reloads.changes(signal), use, deps.log),
    tellSupervisor({ ...reconciler, ...deps }, signal),
  ];
  if (config.status_address)
    tasks.push(
      serveSynapse(
        config.status_address,
        { ...deps, reconciler, proxies, drivers, outputs, catalog, journal, registries },
        signal,
      ),
    );
  await Promise.all(tasks);

  function use(next: LoadedConfig): void {
    logWarnings(next.warnings);
    const restart = [
      ...changedSections(current, next.config),
      ...configureProxies(proxies, next.config),
    ];
    if (restart.length > 0)
      deps.log.warn(
        { sections: restart, fix: 'systemctl restart synapse' },
        'restart to use these sections',
      );
    reconciler.replace(followedServices(next, registries, deps, savedIn(reconciler.snapshot())));
    deps.log.info({ services: reconciler.snapshot().size }, 'configuration read again');
    current = next.config;
  }
}

/** A start with saved members for every service waits no longer than `patience`. */
function startupTimeoutOf(
  { startup_timeout: timeout }: SynapseConfig,
  followed: readonly Followed[],
): number {
  const isAllSaved = followed.length > 0 && followed.every(({ service }) => service.stale);
  return isAllSaved ? Math.min(patience, timeout) : timeout;
}

/** Uses configurations as they come; one that cannot be used is logged, and the one before stays. */
async function useEach(
  configurations: AsyncIterable<LoadedConfig>,
  use: (next: LoadedConfig) => void,
  log: Log,
): Promise<void> {
  for await (const next of configurations) {
    try {
      use(next);
    } catch (error) {
      log.error(
        { err: error, fix: 'systemctl restart synapse, and report this' },
        'cannot use the new configuration: the one before stays',
      );
    }
  }
}

/** Gives the proxies their sections; answers the keys that change only with a restart. */
function configureProxies(
  proxies: readonly { readonly proxy: ProxyKind; readonly driver: ConfigurableDriver<unknown> }[],
  config: SynapseConfig,
): readonly string[] {
  return proxies.flatMap(({ proxy: { name }, driver }) =>
    driver.configure(sectionOf(config, name)).map((key) => `${name}.${key}`),
  );
}

/** Sections that are used only at the start. */
function changedSections(before: SynapseConfig, after: SynapseConfig): readonly string[] {
  const fixed = ['file_output', 'statsd', 'status_address', 'snapshot_file'] as const;
  return fixed.filter((section) => !isDeepStrictEqual(before[section], after[section]));
}

/** The members served now, for services whose members another configuration finds in the same way. */
function savedIn(snapshot: Snapshot): SavedServices {
  return new Map(
    [...snapshot].flatMap(([name, service]) => {
      const saved = savedOf(service);
      return saved ? [[name, saved]] : [];
    }),
  );
}

/** Where the snapshot is: as configured, or in the folder that systemd gives (`StateDirectory=`). */
function snapshotFile({ snapshot_file: own }: SynapseConfig): string | undefined {
  if (own !== undefined) return own === false ? undefined : own;
  const directory = process.env.STATE_DIRECTORY?.split(':', 1)[0];
  return directory ? join(directory, 'snapshot.json') : undefined;
}
