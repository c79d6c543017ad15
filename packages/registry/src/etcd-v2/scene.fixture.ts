import { type Log, silentLog } from '@smartstack/daemon';
import { vi } from 'vitest';

import type { Instance } from '../instance/instance.ts';
import { createEtcdV2Registry } from './etcd-v2.ts';
import { startEtcd } from './server.fixture.ts';

export const web: Instance = { host: '10.0.0.1', port: 80, name: 'vm-1' };
/** The key of the first announcement. */
export const first = '/services/web/vm-1/00000000000000000001';

/** A registry at an etcd that can fail. */
export async function createScene() {
  const server = await startEtcd();
  const ended = new AbortController();
  const log = { ...silentLog, error: vi.fn<Log['error']>(), info: vi.fn<Log['info']>() };
  const open = () => createEtcdV2Registry({ host: '127.0.0.1', port: server.port }, { log });
  const registry = open();
  return {
    ...{ server, registry, ended, log, open },
    announce: (instance = web, path = '/services/web', ttl = 1000, at = registry) =>
      at.announce(ttl, path, instance, ended.signal),
    writes: () => server.asked.filter((line) => line.startsWith('PUT')),
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await registry[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

export type Scene = Awaited<ReturnType<typeof createScene>>;
