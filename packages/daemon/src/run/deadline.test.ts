import { getEventListeners, once } from 'node:events';

import { expect, test } from 'vitest';

import { createDeadline } from './deadline.ts';

test('aborts when the time is over, and says so', async () => {
  using deadline = createDeadline(20, new AbortController().signal);
  await once(deadline.signal, 'abort');
  expect(deadline.isOver).toBe(true);
  expect(deadline.signal.reason).toMatchObject({
    name: 'TimeoutError',
    message: 'not done in 20 ms',
  });
});

test('aborts with the first of its signals, for its reason, and leaves nothing at them', () => {
  const [first, second] = [new AbortController(), new AbortController()];
  using deadline = createDeadline(60_000, first.signal, second.signal);
  second.abort('enough');
  expect(deadline.signal.reason).toBe('enough');
  expect(deadline.isOver).toBe(false);
  for (const { signal } of [first, second]) expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('is over from the start where a signal is', () => {
  using deadline = createDeadline(60_000, AbortSignal.abort('before'));
  expect(deadline.signal.reason).toBe('before');
});

test('a deadline that was met leaves nothing behind and never comes', async () => {
  const outer = new AbortController();
  const deadline = createDeadline(5, outer.signal);
  deadline[Symbol.dispose]();
  await new Promise((resolve) => setTimeout(resolve, 20));
  outer.abort();
  expect(deadline.signal.aborted).toBe(false);
  expect(getEventListeners(outer.signal, 'abort')).toEqual([]);
});
