import { getEventListeners } from 'node:events';

import { createLatest, createMetrics, silentLog } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import { expect, test, vi } from 'vitest';

import type { Followed } from './reconcile/follower.ts';
import { createReconciler } from './reconcile/reconciler.ts';

test('500 services that are followed and replaced again and again leave no more listeners at the one signal', async () => {
  const lists = Array.from({ length: 500 }, () => createLatest<readonly Instance[]>());
  const followed = (round: number): readonly Followed[] =>
    lists.map((list, index) => ({
      service: {
        name: `s${index}`,
        instances: undefined,
        defaults: [],
        origin: 'synapse.yaml:1:1',
      },
      identity: `${index < 50 ? round : 0}`,
      discovery: (signal) => list.values(signal),
    }));
  let applied = 0;
  const reconciler = createReconciler({
    followed: followed(0),
    outputs: [
      {
        name: 'counter',
        apply: async () => {
          applied += 1;
          return 'unchanged';
        },
        wakes: async function* () {},
        status: () => undefined,
        [Symbol.asyncDispose]: async () => {},
      },
    ],
    startupTimeout: 10_000,
    log: silentLog,
    metrics: createMetrics(),
  });
  const ended = new AbortController();
  const running = reconciler.run(ended.signal);
  const hear = async (round: number) => {
    const before = applied;
    for (const list of lists) list.set([{ host: `10.0.0.${round}`, port: 1 }]);
    await vi.waitFor(() => expect(applied).toBeGreaterThan(before));
  };
  const listeners = () => getEventListeners(ended.signal, 'abort').length;
  await hear(0);
  const first = listeners();
  expect(first).toBeLessThan(20);
  for (let round = 1; round <= 20; round += 1) {
    reconciler.replace(followed(round));
    await hear(round);
  }
  expect(listeners()).toBeLessThanOrEqual(first);
  ended.abort();
  await running;
});
