import { createMetrics, silentLog } from '@smartstack/daemon';
import { createEtcdRegistry } from '@smartstack/registry';
import { execa } from 'execa';

import { openConnection } from '../../packages/registry/src/etcd/client/connection.ts';
import {
  operation,
  put,
  putRequest,
  transaction,
  transactionRequest,
  watch,
  watchRequest,
} from '../../packages/registry/src/etcd/wire/messages.ts';
import { startCluster } from '../../test/registries/etcd/cluster.ts';
import type { Contestant } from './contestant.ts';

/** etcd v3, the floor by a bare HTTP/2 connection with one watch; undefined where this machine has none. */
export async function etcd(): Promise<Contestant | undefined> {
  const { failed } = await execa('etcd', ['--version'], { reject: false });
  if (failed) return undefined;
  const cluster = await startCluster();
  const [endpoint = ''] = cluster.endpoints;
  const { signal } = new AbortController();
  const connect = () => openConnection({ endpoint, timeout: 2_000 }, signal);
  const [writer, reader] = await Promise.all([connect(), connect()]);
  const call = { metadata: {}, timeout: 2_000, signal };
  const key = Buffer.from('/floor/m');
  let told = () => {};
  const stream = reader.stream(
    watch.path,
    {},
    {
      onMessage: (message) => {
        if (watch.read(message).events.some(({ isDelete }) => !isDelete)) told();
      },
      onEnd: () => {},
    },
  );
  stream.send(watchRequest.create({ key: Buffer.from('/floor/'), end: Buffer.from('/floor0') }, 0));
  const deps = { log: silentLog, metrics: createMetrics() };
  const registry = createEtcdRegistry({ endpoints: cluster.endpoints, ...deps });
  return {
    name: 'etcd',
    port: cluster.members[0]?.port ?? 0,
    config: (port) => ({
      top: { etcd: { endpoints: [`http://127.0.0.1:${port}`] } },
      discovery: { method: 'etcd', path: '/ours' },
    }),
    announce: (instance, signal) => registry.announce('/ours', instance, signal),
    floor: async (record) => {
      const seen = new Promise<void>((resolve) => {
        told = resolve;
      });
      await writer.call(put.path, putRequest(key, Buffer.from(record), 0n), call);
      await seen;
      return async () => {
        const request = transactionRequest({ success: [operation.remove(key)] });
        await writer.call(transaction.path, request, call);
      };
    },
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      stream.close();
      writer.close();
      reader.close();
      await cluster[Symbol.asyncDispose]();
    },
  };
}
