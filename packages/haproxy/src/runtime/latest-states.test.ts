import { expect, test } from 'vitest';

import type { Runtime } from './admin-socket.ts';
import { createLatestStates } from './latest-states.ts';

const { signal } = new AbortController();

/** A HAProxy that counts how often it is asked. */
function counted() {
  let asked = 0;
  const runtime: Runtime = {
    path: '',
    ask: async () => {
      asked += 1;
      return ['1'];
    },
    fingerprints: async () => new Map(),
  };
  return { runtime, asked: () => asked };
}

test('HAProxy is asked at most once a second, and again once something was changed', async () => {
  const { runtime, asked } = counted();
  const sight = createLatestStates(runtime);
  await sight.refresh(signal);
  await sight.refresh(signal);
  expect(asked()).toBe(1);
  sight.changed();
  await new Promise((resolve) => setTimeout(resolve, 2));
  await sight.refresh(signal);
  expect(asked()).toBe(2);
  expect(sight.latest()?.states?.size).toBe(0);
});
