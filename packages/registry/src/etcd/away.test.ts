import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { expect, type TestContext, test } from 'vitest';

import { Unconfirmed } from '../registry.ts';
import { createEtcdRegistry } from './etcd.ts';

const web = { host: '10.0.0.1', port: 80, name: 'vm-1' };

/** A registry whose only server accepts connections, and says nothing. */
async function openSilent({ onTestFinished }: TestContext, timeout = 300) {
  const server = createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const deps = { log: silentLog, metrics: createMetrics() };
  const registry = createEtcdRegistry({ endpoints: [endpoint], timeout, ...deps });
  onTestFinished(async () => {
    await registry[Symbol.asyncDispose]();
    server.close();
  });
  return { registry, endpoint };
}

test.concurrent('an announcement that a silent server gets fails after a while, says why, and leaves nothing to withdraw', async (context) => {
  const { registry, endpoint } = await openSilent(context);
  const failure = await registry
    .announce('/services/web', web, new AbortController().signal)
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Unconfirmed);
  expect((failure as Error).message).toBe(`cannot get a lease at ${endpoint}: no answer in 300 ms`);
  await (failure as Unconfirmed)[Symbol.asyncDispose]();
  expect(registry.lastUnhealthy()).toBeGreaterThan(performance.now() - 100);
});

test.concurrent('an announcement that is given up meanwhile ends at once', async (context) => {
  const { registry } = await openSilent(context, 10_000);
  const given = new AbortController();
  const failure = registry.announce('/services/web', web, given.signal).catch(() => 'ended');
  const begin = performance.now();
  given.abort();
  expect(await failure).toBe('ended');
  expect(performance.now() - begin).toBeLessThan(5_000);
});

test.concurrent('a watch of a silent server yields nothing, and ends with its signal', async (context) => {
  const { registry } = await openSilent(context);
  const ended = new AbortController();
  const lists = registry.watch('/services/web', ended.signal)[Symbol.asyncIterator]();
  const first = lists.next();
  setTimeout(() => ended.abort(), 700);
  expect(await first).toEqual({ done: true, value: undefined });
});

test('a note of an earlier process that was damaged is none', async (context) => {
  const { endpoint } = await openSilent(context);
  const resume = { sessionId: 'half of', password: '', paths: [] };
  const deps = { log: silentLog, metrics: createMetrics() };
  await using registry = createEtcdRegistry({ endpoints: [endpoint], resume, ...deps });
  expect(registry.ticket()).toBeUndefined();
});
