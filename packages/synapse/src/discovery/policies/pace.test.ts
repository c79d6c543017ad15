import { expect, test } from 'vitest';
import { endsWithin } from '../../../../../test/support/ends-within.ts';
import type { Discovery } from '../discovery.ts';
import { withPace } from './pace.ts';

const discovery: Discovery = async function* (signal) {
  while (!signal.aborted) yield [];
};

test('lists come no faster than the pace', async () => {
  const ended = new AbortController();
  const start = performance.now();
  const times: number[] = [];
  for await (const _ of withPace(discovery, 40)(ended.signal)) {
    times.push(performance.now() - start);
    if (times.length === 3) ended.abort();
  }
  expect(times[2]).toBeGreaterThan(75);
});

test('the first list comes at once', async () => {
  const ended = new AbortController();
  const lists = withPace(discovery, 500)(ended.signal)[Symbol.asyncIterator]();
  expect((await endsWithin(250, lists.next())).value).toEqual([]);
  ended.abort();
  await lists.return?.();
});

test('no pace is no change', () => {
  expect(withPace(discovery, undefined)).toBe(discovery);
});
