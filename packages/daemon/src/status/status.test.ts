import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../logs/log.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { serveStatus, statusAddress } from './status.ts';

let ended: AbortController;
let served: Promise<void>;
let base: string;
let isReady = false;

beforeEach(async () => {
  ended = new AbortController();
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  const closed = once(probe, 'close');
  probe.close();
  await closed;
  base = `http://127.0.0.1:${port}`;
  const metrics = createMetrics();
  metrics.counter({ name: 'tests_total', help: 'Tests' }).inc();
  served = serveStatus(
    { host: '127.0.0.1', port },
    { metrics, ready: () => isReady, status: () => ({ services: 1 }), log: silentLog },
    ended.signal,
  );
  await vi.waitFor(() => fetch(base));
});
afterEach(async () => {
  ended.abort();
  await served;
});

test('it answers what a daemon is asked', async () => {
  expect((await fetch(`${base}/health`)).status).toBe(200);
  expect((await fetch(`${base}/ready`)).status).toBe(503);
  isReady = true;
  expect((await fetch(`${base}/ready`)).status).toBe(200);
  expect(await (await fetch(`${base}/metrics`)).text()).toContain('tests_total 1');
  expect(await (await fetch(`${base}/status?pretty`)).json()).toEqual({ services: 1 });
});

test('it refuses what it does not know', async () => {
  expect((await fetch(`${base}/secrets`)).status).toBe(404);
  expect((await fetch(`${base}/status`, { method: 'POST' })).status).toBe(405);
});

test('a port that another process has is served once it is free', async () => {
  const { port } = new URL(base);
  const second = new AbortController();
  const running = serveStatus(
    { host: '127.0.0.1', port: Number(port) },
    { metrics: createMetrics(), ready: () => true, status: () => 'second', log: silentLog },
    second.signal,
  );
  ended.abort();
  await served;
  await vi.waitFor(
    async () => expect(await (await fetch(`${base}/status`)).json()).toBe('second'),
    {
      timeout: 5000,
    },
  );
  second.abort();
  await running;
});

test.each([
  ['127.0.0.1:9000', { host: '127.0.0.1', port: 9000 }],
  ['[::1]:9000', { host: '::1', port: 9000 }],
  [false, false],
])('%s is an address', (written, address) => {
  expect(statusAddress.parse(written)).toEqual(address);
});
