import { once } from 'node:events';

import { expect, test } from 'vitest';

import { runTogether } from './tasks.ts';

const untilAborted = async (signal: AbortSignal) => {
  if (!signal.aborted) await once(signal, 'abort');
};

test('ends when all tasks have', async () => {
  const done: string[] = [];
  const tasks = ['a', 'b'].map((name) => async () => void done.push(name));
  await runTogether(tasks, new AbortController().signal);
  expect(done).toEqual(['a', 'b']);
});

test('an abort reaches every task', async () => {
  const stop = new AbortController();
  const running = runTogether([untilAborted, untilAborted], stop.signal);
  stop.abort();
  await running;
});

test('tasks of an aborted signal start aborted', async () => {
  await runTogether([untilAborted], AbortSignal.abort());
});

test('a task that fails ends the others, and its error is thrown once they ended', async () => {
  let ended = false;
  const other = async (signal: AbortSignal) => {
    await untilAborted(signal);
    await new Promise((resolve) => setImmediate(resolve));
    ended = true;
  };
  const failing = () => Promise.reject(new Error('broken'));
  await expect(runTogether([other, failing], new AbortController().signal)).rejects.toThrow(
    'broken',
  );
  expect(ended).toBe(true);
});
