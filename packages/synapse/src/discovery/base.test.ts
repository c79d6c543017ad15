import { setImmediate } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { base } from './base.ts';

test('no member is found, and that holds until the signal aborts', async () => {
  const ended = new AbortController();
  const lists = base
    .create(
      { method: 'base' },
      {} as never,
    )(ended.signal)
    [Symbol.asyncIterator]();
  expect(await lists.next()).toEqual({ value: [], done: false });
  let hasEnded = false;
  const end = lists.next().then(({ done }) => {
    hasEnded = done === true;
  });
  await setImmediate();
  expect(hasEnded).toBe(false);
  ended.abort();
  await end;
  expect(hasEnded).toBe(true);
});
