import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import {
  createJournal,
  createStatsd,
  createWarningLog,
  tellSupervisor,
  versionOf,
} from '@smartstack/daemon';
import type { Output, Snapshot } from '@smartstack/proxy';
import { createRegistries, sessionOptionsOf } from '@smartstack/registry';
import { createCatalog } from './api/catalog.ts';
import { type Reloads, serveSynapse } from './api/serve.ts';
import type { LoadedConfig, SynapseConfig } from './config/config.ts';
import { createFileOutput } from './outputs/file-output.ts';
import { createRecorder } from './outputs/journal.ts';
import { observed } from './outputs/observed.ts';
import { readSnapshotFile, type SavedServices } from './outputs/snapshot-file.ts';
import { createSnapshotWriter } from './outputs/snapshot-writer.ts';
import { createStatsdDriver, withFailuresCounted } from './outputs/statsd.ts';
import { exportTraffic } from './outputs/traffic-metrics.ts';
import { allProxies, sectionOf } from './proxies.ts';
import { followedServices, type SynapseDeps } from './reconcile/followed.ts';
import type { Followed } from './reconcile/follower.ts';
import { createReconciler } from './reconcile/reconciler.ts';

/** How long a start that remembers every service waits for the registry, in milliseconds. */
const patience = 500;

/** Follows every configured service and keeps the proxies in step until the signal aborts. */
export async function runSynapse(
  loaded: LoadedConfig,
  deps: SynapseDeps & { readonly reloads: Reloads },
  signal: AbortSignal,
): Promise<void> {
  const { config } = loaded;
  let current = config;
  const logWarnings = createWarningLog(deps.log);
  logWarnings(loaded.warnings);
  const file = snapshotFile(config);
  const memory: SavedServices =
    file === undefined ? new Map() : await readSnapshotFile(file, deps.log);
  await using registries = createRegistries({
    session: await sessionOptionsOf(config.zookeeper),
    ...deps,
  });
  const proxies = allProxies.map((proxy) => ({
    proxy,
    driver: proxy.create(sectionOf(config, proxy.name), deps),
    section: () => sectionOf(current, proxy.name),
  }));
  await using _ = disposedTogether(proxies.map(({ driver }) => driver));
  const catalog = createCatalog();
  const { statsd: section } = config;
  using statsd = section && createStatsd({ ...section, sampleRates: section.sample_rate });
  const counted = <Counted extends Output>(output: Counted) =>
    statsd ? withFailuresCounted(output, statsd) : output;
  const journal = createJournal();
  const recorder = createRecorder({
    journal,
    metrics: deps.metrics,
    held: (name) => reconciler.get(name)?.guard?.held(),
  });
  const drivers = proxies.map(({ driver }) => observed(counted(driver), journal));
  const outputs = [
    ...drivers,
    catalog.driver,
    recorder,
    ...(config.file_output ? [counted(createFileOutput(config.file_output))] : []),
    ...(file === undefined ? [] : [createSnapshotWriter(file, memory)]),
  ];
  await using counters =
    statsd &&
    createStatsdDriver({
      statsd,
      version: versionOf(import.meta.url),
      hosts: config.zookeeper?.hosts ?? [],
      followed: (name) => reconciler.get(name),
    });
  const followed = followedServices(loaded, registries, deps, memory);
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
    reload(),
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

  async function reload(): Promise<void> {
    for await (const next of deps.reloads.changes(signal)) {
      try {
        use(next);
      } catch (error) {
        deps.log.error(
          { err: error, fix: 'systemctl restart synapse, and report this' },
          'cannot use the new configuration: the one before stays',
        );
      }
    }
  }

  function use(next: LoadedConfig): void {
    logWarnings(next.warnings);
    const kept = proxies.flatMap(({ proxy: { name }, driver }) =>
      driver.configure(sectionOf(next.config, name)).map((key) => `${name}.${key}`),
    );
    const restart = [...changedSections(current, next.config), ...kept];
    if (restart.length > 0)
      deps.log.warn(
        { sections: restart, fix: 'systemctl restart synapse' },
        'restart to use these sections',
      );
    reconciler.replace(followedServices(next, registries, deps, savedOf(reconciler.snapshot())));
    deps.log.info({ services: reconciler.snapshot().size }, 'configuration read again');
    current = next.config;
  }
}

/** A start that remembers every service waits no longer than `patience`. */
function startupTimeoutOf(
  { startup_timeout: timeout }: SynapseConfig,
  followed: readonly Followed[],
): number {
  const allRemembered = followed.length > 0 && followed.every(({ service }) => service.stale);
  return allRemembered ? Math.min(patience, timeout) : timeout;
}

/** Disposes of all of them, whichever fails. */
function disposedTogether(all: readonly AsyncDisposable[]): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      const ends = await Promise.allSettled(all.map((one) => one[Symbol.asyncDispose]()));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  };
}

/** Sections that are used only at the start. */
function changedSections(before: SynapseConfig, after: SynapseConfig): readonly string[] {
  const fixed = ['file_output', 'statsd', 'status_address', 'snapshot_file'] as const;
  return fixed.filter((section) => !isDeepStrictEqual(before[section], after[section]));
}

/** What is served now, for services that are found as before under another configuration. */
function savedOf(snapshot: Snapshot): SavedServices {
  return new Map(
    [...snapshot].flatMap(([name, { identity = '', instances }]) =>
      instances ? [[name, { identity, instances }]] : [],
    ),
  );
}

/** Where the snapshot is: as configured, or in the folder that systemd gives (`StateDirectory=`). */
function snapshotFile({ snapshot_file: own }: SynapseConfig): string | undefined {
  if (own !== undefined) return own === false ? undefined : own;
  const directory = process.env.STATE_DIRECTORY?.split(':', 1)[0];
  return directory ? join(directory, 'snapshot.json') : undefined;
}
