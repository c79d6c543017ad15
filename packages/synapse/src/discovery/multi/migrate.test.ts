import type { Instance } from '@smartstack/registry';
import { describe, expect, test } from 'vitest';

import { type Migration, migrating, shared, shortfall } from './migrate.ts';
import { type Lists, membersOf, union } from './resolvers.ts';

const member = (host: string, more: Partial<Instance> = {}): Instance => ({
  host,
  port: 80,
  ...more,
});
const many = (name: string, count: number, more: Partial<Instance> = {}) =>
  Array.from({ length: count }, (_, index) => member(`${name}${index}`, more));
const lists = (
  old: readonly Instance[] | undefined,
  fresh: readonly Instance[] | undefined,
): Lists =>
  new Map([
    ['old', old],
    ['new', fresh],
  ]);
const move = (share: number): Migration => ({ from: 'old', to: 'new', share });

/** What part of the traffic goes to members whose name begins so. */
function partOf(members: readonly Instance[], name: string): number {
  const sum = (some: readonly Instance[]) =>
    some.reduce((all, each) => all + (each.trafficWeight ?? 0), 0);
  return sum(members.filter(({ host }) => host.startsWith(name))) / sum(members);
}

describe('the new registry’s members get their share to a point', () => {
  const sizes = [1, 2, 3, 7, 40, 300];
  const cases = sizes.flatMap((old) => sizes.map((fresh) => [old, fresh] as const));
  test.each(cases)('%i old ones, %i new ones', (old, fresh) => {
    for (const share of [0.01, 0.05, 0.1, 0.25, 0.5, 0.9, 0.99]) {
      const members = shared(lists(many('a', old), many('b', fresh)), move(share));
      expect(Math.abs(partOf(members, 'b') - share)).toBeLessThan(0.01);
      for (const { trafficWeight = -1 } of members) {
        expect(trafficWeight).toBeGreaterThanOrEqual(0);
        expect(trafficWeight).toBeLessThanOrEqual(256);
      }
    }
  });
});

test('a member that both have counts once, and gets its part of both', () => {
  const both = [member('x', { name: 'in-old' })];
  const members = shared(
    lists([...both, ...many('a', 1)], [member('X', { name: 'in-new' }), ...many('b', 3)]),
    move(0.5),
  );
  expect(members.map(({ host, name }) => name ?? host)).toEqual(['in-old', 'a0', 'b0', 'b1', 'b2']);
  expect(partOf(members, 'x')).toBeCloseTo(0.375, 2);
  expect(partOf(members, 'a')).toBeCloseTo(0.25, 2);
  expect(partOf(members, 'b')).toBeCloseTo(0.375, 2);
});

test('announced weights count inside each registry', () => {
  const members = shared(
    lists(
      [member('a1', { weight: 30 }), member('a2', { weight: 10 })],
      [member('b1', { weight: 1 })],
    ),
    move(0.2),
  );
  expect(partOf(members, 'a1')).toBeCloseTo(0.6, 2);
  expect(partOf(members, 'a2')).toBeCloseTo(0.2, 2);
  expect(partOf(members, 'b')).toBeCloseTo(0.2, 2);
});

test('members whose announced weights are all 0 are alike', () => {
  const members = shared(lists(many('a', 2, { weight: 0 }), many('b', 2)), move(0.5));
  expect(members.map(({ trafficWeight }) => trafficWeight)).toEqual([1, 1, 1, 1]);
});

test('there may be any number of members', () => {
  const given = lists(many('a', 100_000), many('b', 60_000));
  const members = shared(given, move(0.37));
  expect(members).toHaveLength(160_000);
  expect(partOf(members, 'b')).toBeCloseTo(0.37, 2);
});

test('the same members and share are the same objects, so that nothing is done again', () => {
  const given = lists(many('a', 2), many('b', 2));
  const again = shared(given, move(0.25));
  for (const [index, each] of shared(given, move(0.25)).entries()) expect(each).toBe(again[index]);
});

const [old, fresh] = [many('a', 1), many('b', 1)];
const noneIn = (empty: string, other: string) =>
  `watcher ${empty} has no members: all traffic goes to the members of ${other}`;
test.each([
  ['nothing goes to the new one', 0, lists(old, fresh), true, ['old'], undefined],
  ['some does', 0.1, lists(old, fresh), true, ['old', 'new'], undefined],
  ['all does', 1, lists(old, fresh), true, ['new'], undefined],
  ['one that has no share is not waited for', 0, lists(old, undefined), true, ['old'], undefined],
  ['one that has a share is', 0.1, lists(old, undefined), true, undefined, undefined],
  [
    'but not for ever',
    0.1,
    lists(old, undefined),
    false,
    ['old'],
    'watcher new has not answered yet: all traffic goes to the members of old',
  ],
  [
    'a silent old one is no reason to wait for ever',
    0.1,
    lists(undefined, fresh),
    false,
    ['new'],
    'watcher old has not answered yet: all traffic goes to the members of new',
  ],
  ['an empty new one gets nothing', 0.5, lists(old, []), true, ['old'], noneIn('new', 'old')],
  ['even where all is to be its', 1, lists(old, []), true, ['old'], noneIn('new', 'old')],
  ['an empty old one gets nothing', 0.5, lists([], fresh), true, ['new'], noneIn('old', 'new')],
  [
    'both empty is empty',
    0.5,
    lists([], []),
    true,
    ['old'],
    'watcher new has no members: nor has old any member',
  ],
  ['no answer is unknown', 0.5, lists(undefined, undefined), false, undefined, undefined],
] as const)('%s', (_, share, given, patient, expected, reason) => {
  const chosen = migrating(move(share))(given, patient);
  expect(chosen).toEqual(expected);
  expect(chosen && shortfall(move(share), chosen, given)).toBe(reason);
});

test('a union counts a machine once that two registries announce, as the first has it', () => {
  const given = lists([member('x', { name: 'one' })], [member('x', { name: 'two' }), member('y')]);
  const chosen = union(given, true) ?? [];
  expect(membersOf(given, chosen).map(({ host, name }) => name ?? host)).toEqual(['one', 'y']);
});

test('weights are as small as the share allows: a proxy is in step after as many requests as they are together', () => {
  const weights = (old: number, fresh: number, share: number) =>
    shared(lists(many('a', old), many('b', fresh)), move(share)).map(
      ({ trafficWeight }) => trafficWeight,
    );
  expect(weights(1, 1, 0.5)).toEqual([1, 1]);
  expect(weights(2, 2, 0.25)).toEqual([3, 3, 1, 1]);
  expect(weights(1, 1, 0.1)).toEqual([9, 1]);
  expect(weights(2, 3, 0.1)).toEqual([27, 27, 2, 2, 2]);
});
