import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createLatest, silentLog } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import { describe, expect, test, vi } from 'vitest';

import { collect } from '../collect.fixture.ts';
import type { Discovery } from '../discovery.ts';
import { multi } from './multi.ts';
import { type Lists, membersOf, only, pick, type Resolve, sequential, union } from './resolvers.ts';
import { type ResolverConfig, resolverProblem } from './schema.ts';

const one = (host: string): readonly Instance[] => [{ host, port: 1 }];
const lists = (values: Record<string, readonly Instance[] | undefined>): Lists =>
  new Map(Object.entries(values));

test.each<[string, Resolve, Lists, boolean, readonly Instance[] | undefined]>([
  ['a union is all', union, lists({ a: one('a'), b: one('b') }), true, [...one('a'), ...one('b')]],
  ['a union waits for all', union, lists({ a: one('a'), b: undefined }), false, undefined],
  [
    'the first in order wins',
    sequential(['b', 'a']),
    lists({ a: one('a'), b: one('b') }),
    true,
    one('b'),
  ],
  [
    'an empty one is passed over',
    sequential(['b', 'a']),
    lists({ a: one('a'), b: [] }),
    true,
    one('a'),
  ],
  [
    'one to come is waited for',
    sequential(['b', 'a']),
    lists({ a: one('a'), b: undefined }),
    true,
    undefined,
  ],
  [
    'a silent one is passed over',
    sequential(['b', 'a']),
    lists({ a: one('a'), b: undefined }),
    false,
    one('a'),
  ],
  ['all empty is empty', sequential(['b', 'a']), lists({ a: [], b: [] }), true, []],
  ['no answer is unknown', sequential(['a']), lists({ a: undefined }), false, undefined],
  ['the chosen one serves', only('b'), lists({ a: one('a'), b: one('b') }), true, one('b')],
])('%s', (_, resolve, given, patient, expected) => {
  const chosen = resolve(given, patient);
  expect(chosen && membersOf(given, chosen)).toEqual(expected);
});

test.each([
  [{ a: 1, b: 3 }, 0, 'a'],
  [{ a: 1, b: 3 }, 0.24, 'a'],
  [{ a: 1, b: 3 }, 0.26, 'b'],
  [{ a: 1, b: 3 }, 0.999, 'b'],
  [{ a: 0, b: 1 }, 0, 'b'],
  [{ a: 0 }, 0, undefined],
  [{}, 0, undefined],
])('%j at %d picks %s', (weights, random, expected) => {
  expect(pick(weights as Record<string, number>, random)).toBe(expected);
});

test('an order must name every watcher and no other', () => {
  const order = (...names: string[]): ResolverConfig => ({
    method: 'sequential',
    sequential_order: names,
  });
  expect(resolverProblem(order('a', 'b'), ['b', 'a'])).toBeUndefined();
  expect(resolverProblem(order('a'), ['a', 'b'])).toBe('sequential_order lacks b');
  expect(resolverProblem(order('a', 'c'), ['a'])).toBe(
    'sequential_order names c, which is no watcher',
  );
});

function watchers() {
  const [primary, other] = [
    createLatest<readonly Instance[]>(),
    createLatest<readonly Instance[]>(),
  ];
  return {
    primary,
    other,
    discoveries: {
      primary: (signal: AbortSignal) => primary.values(signal),
      other: (signal: AbortSignal) => other.values(signal),
    },
  };
}

test('whenever one watcher’s list changes, so does the whole', async () => {
  const { primary, other, discoveries } = watchers();
  const found = collect(multi(discoveries, { method: 'union' }, { log: silentLog }));
  primary.set(one('a'));
  other.set(one('b'));
  await vi.waitFor(() => expect(found.newest()).toEqual([' a:1', ' b:1']));
  other.set([]);
  await vi.waitFor(() => expect(found.newest()).toEqual([' a:1']));
});

test('a watcher whose place does not exist yet is empty beside one that has a list', async () => {
  const { primary, other, discoveries } = watchers();
  const missing = { primary: createLatest<string>(), other: createLatest<string>() };
  const found = collect(multi(discoveries, { method: 'union' }, { log: silentLog, missing }));
  missing.other.set('the path /other does not exist');
  primary.set(one('a'));
  await vi.waitFor(() => expect(found.newest()).toEqual([' a:1']));
  other.set(one('b'));
  await vi.waitFor(() => expect(found.newest()).toEqual([' a:1', ' b:1']));
});

test('where no watcher has a place, that is said at once in place of a list', async () => {
  const { discoveries } = watchers();
  const missing = { primary: createLatest<string>(), other: createLatest<string>() };
  const said: string[] = [];
  const onMissing = (reason: string) => said.push(reason);
  const found = collect(
    multi(discoveries, { method: 'union' }, { log: silentLog, missing, onMissing }),
  );
  missing.primary.set('the path /primary does not exist');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(said).toEqual([]);
  missing.other.set('the path /other does not exist');
  await vi.waitFor(() => expect(said).toEqual(['the path /primary does not exist']));
  expect(found.lists).toEqual([]);
});

test('a file chooses who serves; a bad one changes nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'toggle-'));
  const file = join(directory, 'toggle');
  const { primary, other, discoveries } = watchers();
  const resolver: ResolverConfig = { method: 'toggle', file, polling_interval: 5 };
  const found = collect(multi(discoveries, resolver, { log: silentLog }));
  primary.set(one('a'));
  other.set(one('b'));
  await vi.waitFor(() => expect(found.newest()).toEqual([' a:1']));
  await writeFile(file, 'other\n');
  await vi.waitFor(() => expect(found.newest()).toEqual([' b:1']));
  for (const bad of ['nobody', '{primary: -1}', '{primary: 0}', '[', '5'])
    await writeFile(file, bad);
  primary.set(one('c'));
  await writeFile(file, '{primary: 5, other: 0}');
  await vi.waitFor(() => expect(found.newest()).toEqual([' c:1']));
  await found.stop();
  await rm(directory, { recursive: true });
});

describe.concurrent('a watcher that fails stops no other, and is followed again', () => {
  const fail = () => {
    throw new Error('a defect');
  };
  const standing =
    (host: string): Discovery =>
    (signal) => {
      const all = createLatest<readonly Instance[]>();
      all.set(one(host));
      return all.values(signal);
    };
  const steps: readonly (readonly [string, Discovery])[] = [
    ['when it is called', fail],
    [
      'before it yields',
      // biome-ignore lint/correctness/useYield: it fails before it has anything to say
      async function* () {
        fail();
      },
    ],
    [
      'after it yielded',
      async function* () {
        yield [];
        fail();
      },
    ],
  ];
  test.for(steps)('%s', { timeout: 15_000 }, async ([, broken], { onTestFinished }) => {
    let calls = 0;
    const recovering: Discovery = (signal) => {
      calls += 1;
      return calls === 1 ? broken(signal) : standing('a')(signal);
    };
    const resolver: ResolverConfig = { method: 'sequential', sequential_order: ['a', 'b'] };
    const deps = { log: silentLog, patience: 300 };
    const found = collect(multi({ a: broken, b: standing('b') }, resolver, deps), onTestFinished);
    const said: unknown[] = [];
    const onTrouble = (reason: string | undefined, part?: string) => said.push([part, reason]);
    const all = collect(
      multi(
        { a: recovering, b: standing('b') },
        { method: 'union' },
        { log: silentLog, onTrouble },
      ),
      onTestFinished,
    );
    await vi.waitFor(() => expect(found.newest()).toEqual([' b:1']), 10_000);
    await vi.waitFor(() => expect(all.newest()).toEqual([' a:1', ' b:1']), 5_000);
    expect(calls).toBe(2);
    expect(said).toEqual([
      ['watcher a', 'a defect'],
      ['watcher a', undefined],
    ]);
  });
});
