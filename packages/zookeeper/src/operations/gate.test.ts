import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { createGate } from './gate.ts';

test('so many run at a time, in the order in which they came, and a failure frees its place', async () => {
  const gate = createGate(2);
  const started: number[] = [];
  let running = 0;
  let most = 0;
  const task = (n: number) => async () => {
    started.push(n);
    running += 1;
    most = Math.max(most, running);
    await sleep(5);
    running -= 1;
    if (n % 2 === 0) throw new Error(`${n}`);
  };
  const results = await Promise.allSettled([0, 1, 2, 3, 4, 5].map((n) => gate.run(task(n))));
  expect(started).toEqual([0, 1, 2, 3, 4, 5]);
  expect(most).toBe(2);
  expect(results.map(({ status }) => status === 'rejected')).toEqual([
    true,
    false,
    true,
    false,
    true,
    false,
  ]);
});
