import { expect, test } from 'vitest';

import { createLatest } from './latest.ts';

test('a slow reader sees the newest value only', async () => {
  const latest = createLatest<number>();
  const values = latest.values(new AbortController().signal);
  latest.set(1);
  expect((await values.next()).value).toBe(1);
  latest.set(2);
  latest.set(3);
  expect((await values.next()).value).toBe(3);
});

test('a waiting reader gets a value at once', async () => {
  const latest = createLatest<number>();
  const next = latest.values(new AbortController().signal).next();
  latest.set(1);
  expect((await next).value).toBe(1);
});

test('undefined is a value', async () => {
  const latest = createLatest<void>();
  latest.set();
  expect(await latest.values(new AbortController().signal).next()).toEqual({
    done: false,
    value: undefined,
  });
});

test('an offer does not replace what is there', async () => {
  const latest = createLatest<number>();
  latest.set(1);
  latest.offer(2);
  expect((await latest.values(new AbortController().signal).next()).value).toBe(1);
});

test('it ends after the last value, or at once when aborted', async () => {
  const latest = createLatest<number>();
  latest.set(1);
  latest.end();
  const values = latest.values(new AbortController().signal);
  expect((await values.next()).value).toBe(1);
  expect((await values.next()).done).toBe(true);

  const abort = new AbortController();
  const waiting = createLatest<number>().values(abort.signal).next();
  abort.abort();
  expect((await waiting).done).toBe(true);
});
