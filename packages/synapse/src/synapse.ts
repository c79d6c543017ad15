import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import {
  createJournal,
  createStatsd,
  createWarningLog,
  serveStatus,
  tellSupervisor,
  versionOf,
} from '@smartstack/daemon';
import { createRegistries, sessionOptionsOf } from '@smartstack/registry';

import { createCatalog } from './api/catalog.ts';
import { createApi } from './api/handler.ts';
import type { LoadedConfig, SynapseConfig } from './config.ts';
import { explain } from './explain.ts';
import { followedServices, type SynapseDeps } from './followed.ts';
import { observed } from './page/observed.ts';
import { createSynapsePage } from './page/page.ts';
import { createRecorder } from './page/recorder.ts';
import { createFileOutput } from './proxies/file-output.ts';
import { createHaproxyDriver, haproxySchema, sectionOf } from './proxies/haproxy/index.ts';
import { withLevels } from './proxies/levels.ts';
import { createMemoryFile } from './proxies/memory-file.ts';
import type { ProxyDriver } from './proxies/proxy.ts';
import { createStatsdDriver, withFailuresCounted } from './proxies/statsd.ts';
import { refresh } from './proxies/status-of.ts';
import { createReconciler } from './reconciler.ts';
import type { Reloader } from './reload.ts';
import { type Memory, readMemory } from './remembered.ts';
import type { Snapshot } from './service.ts';
import { describeStatus } from './status.ts';

/** Where newer configurations come from. */
export type Reloads = Pick<Reloader, 'changes' | 'problems'>;

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
  const memory: Memory = file === undefined ? new Map() : await readMemory(file, deps.log);
  await using registries = createRegistries({
    session: await sessionOptionsOf(config.zookeeper),
    ...deps,
  });
  await using proxy = createHaproxyDriver(config.haproxy, deps);
  const shown = withLevels(proxy);
  const catalog = createCatalog();
  const { statsd: section } = config;
  using statsd = section && createStatsd({ ...section, sampleRates: section.sample_rate });
  const counted = (driver: ProxyDriver) => (statsd ? withFailuresCounted(driver, statsd) : driver);
  const journal = createJournal();
  const recorder = createRecorder({
    journal,
    metrics: deps.metrics,
    held: (name) => reconciler.get(name)?.guard?.held(),
  });
  const drivers = [
    observed(counted(shown), journal),
    catalog.driver,
    recorder,
    ...(config.file_output ? [counted(createFileOutput(config.file_output))] : []),
    ...(file === undefined ? [] : [createMemoryFile(file, memory)]),
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
  const allRemembered = followed.length > 0 && followed.every(({ service }) => service.stale);
  const reconciler = createReconciler({
    followed,
    drivers: counters ? [...drivers, counters] : drivers,
    startupTimeout: allRemembered
      ? Math.min(patience, config.startup_timeout)
      : config.startup_timeout,
    ...deps,
  });
  const tasks = [
    reconciler.run(signal),
    reload(),
    tellSupervisor({ ...reconciler, ...deps }, signal),
  ];
  if (config.status_address)
    tasks.push(
      serveStatus(
        config.status_address,
        {
          ...deps,
          ready: reconciler.ready,
          page: createSynapsePage({
            reconciler,
            proxy: shown,
            journal,
            haproxy: () => sectionOf(current.haproxy) ?? haproxySchema.parse({}),
            version: versionOf(import.meta.url),
            problems: deps.reloads.problems,
            lastUnwell: registries.lastUnwell,
          }),
          status: async () => ({
            config_problems: deps.reloads.problems(),
            ...describeStatus(reconciler, await refreshed(drivers, signal)),
          }),
          answer: createApi({
            catalog,
            accept: (name) => {
              const one = reconciler.get(name);
              return one && (one.guard?.accept() ?? false);
            },
            explain: async (name) => {
              const asked = await refreshed(drivers, signal);
              const [one, service] = [reconciler.get(name), reconciler.snapshot().get(name)];
              return one && service && explain(one, service, asked, reconciler.failure(name));
            },
          }),
        },
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
    const kept = proxy.configure(next.config.haproxy);
    const restart = [
      ...changedSections(current, next.config),
      ...kept.map((key) => `haproxy.${key}`),
    ];
    if (restart.length > 0)
      deps.log.warn(
        { sections: restart, fix: 'systemctl restart synapse' },
        'restart to use these sections',
      );
    reconciler.replace(followedServices(next, registries, deps, memoryOf(reconciler.snapshot())));
    deps.log.info({ services: reconciler.snapshot().size }, 'configuration read again');
    current = next.config;
  }
}

/** The same drivers, which have asked their proxies just now what runs there. */
async function refreshed(
  drivers: readonly ProxyDriver[],
  signal: AbortSignal,
): Promise<readonly ProxyDriver[]> {
  await Promise.all(drivers.map((driver) => refresh(driver, signal)));
  return drivers;
}

/** Sections that are used only at the start. */
function changedSections(before: SynapseConfig, after: SynapseConfig): readonly string[] {
  const fixed = ['file_output', 'statsd', 'status_address', 'snapshot_file'] as const;
  return fixed.filter((section) => !isDeepStrictEqual(before[section], after[section]));
}

/** What is served now, for services that are found as before under another configuration. */
function memoryOf(snapshot: Snapshot): Memory {
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
