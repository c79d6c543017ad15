import type { SessionState } from '@smartstack/zookeeper';
import { expect, test } from 'vitest';

import { createHealth } from './health.ts';

test.each<[readonly (SessionState | 'late')[], number | undefined]>([
  [['connecting', 'late', 'connected'], 6_002],
  [['connecting', 'connected'], undefined],
  [['connected', 'suspended'], 9],
  [['connected', 'suspended', 'connected'], 3],
  [['connected', 'suspended', 'lost', 'connecting'], 9],
  [['connected', 'lost', 'connecting', 'connected'], 4],
])('after %j it was last unhealthy at %s', async (states, expected) => {
  let time = 0;
  const health = createHealth(() => time);
  async function* pass() {
    for (const state of states) {
      time += state === 'late' ? 6_000 : 1;
      if (state === 'late') continue;
      yield state;
    }
  }
  await health.follow({ states: pass }, new AbortController().signal);
  time = Math.max(time, 9);
  expect(health.lastUnhealthy()).toBe(expected);
});
