import { appendFileSync } from 'node:fs';

import { createLatest, createLog, createMetrics, parseSource, runDaemon } from '@smartstack/daemon';
import { memoryProxy, type ProxyKind } from '@smartstack/proxy';

import { configSchema, type LoadedConfig } from './config/config.ts';
import { runSynapse } from './synapse.ts';

/** How a proxy's driver can end. */
const ends: Readonly<Record<string, () => Promise<void>>> = {
  throws: () => {
    throw new Error('a defect');
  },
  rejects: async () => {
    throw new Error('a defect');
  },
  hangs: () => new Promise(() => {}),
  ends: async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    appendFileSync(1, 'ended well\n');
  },
};

/** A memory proxy whose driver ends in one of these ways. */
function endingProxy(name: string, how: string): ProxyKind {
  return {
    ...memoryProxy,
    name,
    create: (_, deps) => ({
      ...memoryProxy.create(undefined, deps),
      name,
      [Symbol.asyncDispose]: ends[how] ?? (async () => {}),
    }),
  };
}

/** A synapse with proxies that end as its arguments say. */
const written = {
  status_address: false,
  snapshot_file: false,
  services: { api: { discovery: { method: 'base' }, default_servers: [] } },
};
const loaded: LoadedConfig = {
  config: configSchema.parse(written) as LoadedConfig['config'],
  source: parseSource('synapse.yaml', JSON.stringify(written)),
  warnings: [],
};
const log = createLog('synapse');
const kinds = process.argv.slice(2).map((how) => endingProxy(`one-that-${how}`, how));
const reloads = { changes: createLatest<LoadedConfig>().values, problems: () => [] };
await runDaemon(
  (signal) => {
    // As a proxy's socket does.
    setInterval(() => {}, 1_000);
    appendFileSync(1, 'ready\n');
    return runSynapse(
      loaded,
      { log, metrics: createMetrics(), reloads, kinds, endLimit: 1_500 },
      signal,
    );
  },
  { log },
);
