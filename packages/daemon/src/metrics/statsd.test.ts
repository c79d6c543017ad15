import { expect, test, vi } from 'vitest';

import { startStatsdServer } from '../../../../test/support/statsd-server.ts';

import { createStatsd } from './statsd.ts';

test('many counts are sent in datagrams that a network carries whole', async () => {
  using server = await startStatsdServer();
  using statsd = createStatsd({ host: '127.0.0.1', port: server.port });
  for (let count = 0; count < 200; count++) statsd.increment(`name.${count}`);
  await vi.waitFor(() => expect(server.received).toHaveLength(200));
});

test('a server that is not there harms nothing', async () => {
  const server = await startStatsdServer();
  server[Symbol.dispose]();
  using statsd = createStatsd({ host: '127.0.0.1', port: server.port });
  statsd.increment('lost');
});

test('a sampled counter is sent that often, and says so', async () => {
  using server = await startStatsdServer();
  using statsd = createStatsd({
    host: '127.0.0.1',
    port: server.port,
    sampleRates: { never: 0, half: 0.5 },
  });
  for (let count = 0; count < 100; count++) statsd.increment('half', { a: 'b' });
  statsd.increment('never');
  statsd.increment('last');
  await vi.waitFor(() => expect(server.received.at(-1)).toBe('last:1|c'));
  const sampled = server.received.slice(0, -1);
  expect(new Set(sampled)).toEqual(new Set(['half:1|c|@0.5|#a:b']));
  expect(sampled.length).toBeGreaterThan(10);
  expect(sampled.length).toBeLessThan(90);
});

test('what was counted before the end is still sent', async () => {
  using server = await startStatsdServer();
  const statsd = createStatsd({ host: '127.0.0.1', port: server.port });
  statsd.increment('last');
  statsd[Symbol.dispose]();
  statsd.increment('too late');
  await vi.waitFor(() => expect(server.received).toEqual(['last:1|c']));
});
