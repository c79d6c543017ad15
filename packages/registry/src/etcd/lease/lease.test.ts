import { silentLog } from '@smartstack/daemon';
import { expect, test, vi } from 'vitest';

import type { EtcdClient } from '../client/client.ts';
import { createLease } from './lease.ts';

const nothing = {
  onTaken: async () => {},
  onGranted: async () => {},
  onLost: async () => {},
  onAlive: async () => {},
};

/** A cluster that grants every lease for so many seconds, and counts what it is asked. */
function clusterOf(ttl: number) {
  let asked = 0;
  const client = {
    call: async () => {
      asked += 1;
      return { ttl, keys: [] };
    },
    connections: 1,
  } as unknown as EtcdClient;
  return { client, asked: () => asked };
}

test.each([3_000_000, Number.MAX_SAFE_INTEGER])(
  'a lease that is granted for %i s is kept alive no more often than others',
  async (ttl) => {
    const { client, asked } = clusterOf(ttl);
    const ended = new AbortController();
    const lease = createLease({ client, log: silentLog, ttl: 10_000, ...nothing }, ended.signal);
    await lease.get(ended.signal);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(asked()).toBeLessThan(5);
    ended.abort();
    await lease.ended();
  },
);

test('the end of a lease that is being kept alive is not waited for', async () => {
  let asked = 0;
  const client = {
    call: async (_: unknown, __: unknown, { signal }: { signal: AbortSignal }) => {
      asked += 1;
      if (asked === 1) return { ttl: 10 };
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      );
    },
    connections: 1,
  } as unknown as EtcdClient;
  const ended = new AbortController();
  const lease = createLease({ client, log: silentLog, ttl: 10_000, ...nothing }, ended.signal);
  await lease.get(ended.signal);
  await vi.waitFor(() => expect(asked).toBe(2));
  const begin = performance.now();
  ended.abort();
  await lease.ended();
  expect(performance.now() - begin).toBeLessThan(1_000);
});
