import { createLatest, createMetrics, silentLog } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import { expect, test, vi } from 'vitest';

import { collect } from '../collect.fixture.ts';
import { createShrinkGuard, shrinkGuardSchema, suddenLoss } from './shrink-guard.ts';

const list = (...hosts: string[]): readonly Instance[] => hosts.map((host) => ({ host, port: 1 }));
const policy = shrinkGuardSchema.parse({ min_members: 3, hold: 60 });

test.each([
  [['a', 'b', 'c', 'd'], ['a'], ['b', 'c', 'd']],
  [['a', 'b', 'c', 'd'], ['a', 'b'], []],
  [
    ['a', 'b', 'c', 'd'],
    ['x', 'y', 'z', 'a'],
    ['b', 'c', 'd'],
  ],
  [['a', 'b', 'c'], [], ['a', 'b', 'c']],
  [['a', 'b'], [], []],
  [[], ['a'], []],
])('%j to %j loses suddenly %j', (served, listed, lost) => {
  expect(suddenLoss(list(...served), list(...listed), policy)).toEqual(list(...lost));
});

function guarded(doubt: { now: boolean }, hold = 60_000, saved?: readonly Instance[]) {
  const lists = createLatest<readonly Instance[]>();
  const guard = createShrinkGuard({
    policy: { ...policy, hold },
    doubtful: () => doubt.now,
    saved,
    service: 'web',
    log: silentLog,
    metrics: createMetrics(),
  });
  const found = collect(guard.guard((signal) => lists.values(signal)));
  const hosts = () =>
    found.lists
      .at(-1)
      ?.map(({ host }) => host)
      .sort()
      .join('');
  return { lists, guard, hosts, found };
}

test('a sudden loss is believed while the registry is well', async () => {
  const { lists, guard, hosts } = guarded({ now: false });
  lists.set(list('a', 'b', 'c', 'd'));
  await vi.waitFor(() => expect(hosts()).toBe('abcd'));
  lists.set([]);
  await vi.waitFor(() => expect(hosts()).toBe(''));
  expect(guard.held()).toBeUndefined();
});

test('while it is in doubt the lost are served beside the new, until they are back', async () => {
  const doubt = { now: true };
  const { lists, guard, hosts } = guarded(doubt);
  lists.set(list('a', 'b', 'c', 'd'));
  await vi.waitFor(() => expect(hosts()).toBe('abcd'));
  lists.set(list('a', 'e'));
  await vi.waitFor(() => expect(hosts()).toBe('abcde'));
  expect(guard.held()?.members).toHaveLength(3);
  doubt.now = false;
  lists.set(list('a', 'e', 'b', 'c'));
  await vi.waitFor(() => expect(hosts()).toBe('abce'));
  expect(guard.held()).toBeUndefined();
});

test('it is believed after the time to hold', async () => {
  const { lists, hosts } = guarded({ now: true }, 30);
  lists.set(list('a', 'b', 'c', 'd'));
  await vi.waitFor(() => expect(hosts()).toBe('abcd'));
  lists.set(list('a'));
  await vi.waitFor(() => expect(hosts()).toBe('a'));
});

test('it is believed when accepted', async () => {
  const { lists, guard, hosts } = guarded({ now: true });
  expect(guard.accept()).toBe(false);
  lists.set(list('a', 'b', 'c', 'd'));
  await vi.waitFor(() => expect(hosts()).toBe('abcd'));
  lists.set(list('a'));
  await vi.waitFor(() => expect(guard.held()).toBeDefined());
  expect(guard.accept()).toBe(true);
  await vi.waitFor(() => expect(hosts()).toBe('a'));
  expect(guard.held()).toBeUndefined();
});

test('the first list is measured by the saved members', async () => {
  const { lists, hosts } = guarded({ now: true }, 60_000, list('a', 'b', 'c'));
  lists.set([]);
  await vi.waitFor(() => expect(hosts()).toBe('abc'));
});
