import type { SessionState } from '@smartstack/zookeeper';
import { expect, test } from 'vitest';

import { createHealth } from './health.ts';

test.each<[readonly SessionState[], number | undefined]>([
  [['connecting', 'connected'], undefined],
  [['connected', 'suspended'], 9],
  [['connected', 'suspended', 'connected'], 3],
  [['connected', 'suspended', 'lost', 'connecting'], 9],
  [['connected', 'lost', 'connecting', 'connected'], 4],
])('after %j it was last unwell at %s', async (states, expected) => {
  let time = 0;
  const health = createHealth(() => time);
  async function* pass() {
    for (const state of states) {
      time += 1;
      yield state;
    }
  }
  await health.follow({ states: pass }, new AbortController().signal);
  time = 9;
  expect(health.lastUnwell()).toBe(expected);
});
