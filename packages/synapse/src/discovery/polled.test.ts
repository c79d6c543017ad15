import { type Log, silentLog } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import { expect, test, vi } from 'vitest';

import { collect } from './collect.fixture.ts';
import { lastGood, polled } from './polled.ts';

const one = (host: string): readonly Instance[] => [{ host, port: 1 }];
const fail = () => {
  throw new Error('a defect');
};

test.each([
  ['throws', fail],
  ['rejects', async () => fail()],
])('a source that %s is asked again, and what was known stands', async (_, broken) => {
  const warn = vi.fn<Log['warn']>();
  const said: unknown[] = [];
  let asked = 0;
  const found = collect(
    polled({
      ask: () => {
        asked += 1;
        if (asked > 1 && asked < 5) return broken();
        return Promise.resolve(one(asked === 1 ? 'a' : 'b'));
      },
      interval: 5,
      onTrouble: (reason) => said.push(reason),
      log: { ...silentLog, warn },
    }),
  );
  await vi.waitFor(() => expect(found.newest()).toEqual([' b:1']));
  expect(found.lists).toEqual([one('a'), one('b')]);
  expect(warn).toHaveBeenCalledOnce();
  expect(said.slice(0, 5)).toEqual([undefined, 'a defect', 'a defect', 'a defect', undefined]);
});

test.each<[string, () => AsyncIterable<void>]>([
  ['when they are asked for', fail],
  [
    'before the first',
    // biome-ignore lint/correctness/useYield: it fails before it has anything to say
    async function* () {
      fail();
    },
  ],
  [
    'later',
    async function* () {
      yield;
      fail();
    },
  ],
])('events that fail %s leave it to asking at the interval', async (_, hints) => {
  let asked = 0;
  const found = collect(
    polled({
      ask: async () => {
        asked += 1;
        return one(`a${Math.min(asked, 5)}`);
      },
      interval: 5,
      hints,
      log: silentLog,
    }),
  );
  await vi.waitFor(() => expect(found.newest()).toEqual([' a5:1']));
});

test('a last good answer stands in, and each other reason is told once', async () => {
  const answers: (string | readonly Instance[])[] = [one('a'), 'x', 'x', 'y', one('b'), 'y'];
  const told: unknown[] = [];
  const ask = lastGood(
    async () => {
      const next = answers.shift();
      if (typeof next === 'string') throw new Error(next);
      return next ?? [];
    },
    (reason) => told.push(reason),
  );
  const { signal } = new AbortController();
  const got: unknown[] = [];
  for (let i = 0; i < 6; i++) got.push(await ask(signal));
  expect(got).toEqual([one('a'), one('a'), one('a'), one('a'), one('b'), one('b')]);
  expect(told).toEqual(['x', 'y', undefined, 'y']);
});
