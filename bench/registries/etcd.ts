import { execFileSync } from 'node:child_process';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { createEtcdRegistry } from '@smartstack/registry';

import { startCluster } from '../../test/registries/etcd/cluster.ts';
import type { Contestant } from './contestant.ts';

/** etcd, the floor by its JSON gateway, which has its answers ready once the watch tells. */
export async function etcd(): Promise<Contestant | undefined> {
  if (!isThere('etcd')) return undefined;
  const cluster = await startCluster();
  const [endpoint = ''] = cluster.endpoints;
  const registry = createEtcdRegistry({
    endpoints: cluster.endpoints,
    log: silentLog,
    metrics: createMetrics(),
  });
  const key = base64('/floor/member');
  const ask = (path: string, body: object) =>
    fetch(`${endpoint}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
  return {
    name: 'etcd',
    port: cluster.members[0]?.port ?? 0,
    config: (port) => ({
      top: { etcd: { endpoints: [`http://127.0.0.1:${port}`] } },
      discovery: { method: 'etcd', path: '/ours' },
    }),
    registry,
    path: '/ours',
    floor: async (record) => {
      const ended = new AbortController();
      const watch = await fetch(`${endpoint}/v3/watch`, {
        method: 'POST',
        body: JSON.stringify({ create_request: { key } }),
        signal: ended.signal,
      });
      const told = watch.body?.getReader();
      await told?.read(); // that it is created
      const put = ask('kv/put', { key, value: base64(record) });
      await told?.read();
      await put;
      ended.abort();
      return async () => void (await ask('kv/deleterange', { key }));
    },
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
