import { expect, test } from 'vitest';

import { blame, verdictOf } from './blame.ts';

const twoListeners =
  "Error adding/updating listener(s) listener/web: cannot bind '127.0.0.1:80': Address already in use\nlistener/api: no such filter\n";

test.for<[reason: string, names: string[], certain: Record<string, string>, mentioned: string[]]>([
  [
    'Error adding/updating cluster(s) web: no EDS config, api: no such policy',
    ['web', 'api', 'db'],
    { web: 'web: no EDS config', api: 'api: no such policy' },
    [],
  ],
  [
    twoListeners,
    ['listener/api', 'listener/web', 'listener/we'],
    {
      'listener/web': "listener/web: cannot bind '127.0.0.1:80': Address already in use",
      'listener/api': 'listener/api: no such filter',
    },
    [],
  ],
  [
    'resource index 1: no listener field; resource index 0: too bad',
    ['a', 'b'],
    { b: 'resource index 1: no listener field', a: 'resource index 0: too bad' },
    [],
  ],
  ['resource index 7: bad', ['a', 'b'], {}, []],
  ["route: unknown cluster 'web|version=v2'", ['web', 'web|version=v2'], {}, ['web|version=v2']],
  ['Only a single wildcard domain is permitted in route web.', ['web', 'web.v2'], {}, ['web']],
  ['malformed IP address: no.such', ['web', 'api'], {}, []],
])('%s', ([reason, names, certain, mentioned]) => {
  const found = blame(reason, names, new Set(names));
  expect(Object.fromEntries(found.certain)).toEqual(certain);
  expect(found.mentioned).toEqual(mentioned);
});

const base = {
  order: ['a', 'b', 'c', 'd'],
  changes: ['a', 'b', 'c', 'd'],
  isAll: true,
  isTrial: false,
};
const groups = (trials: readonly ReadonlySet<string>[]) => trials.map((one) => [...one].join(' '));

test('a response of one resource is refused for that', () => {
  const { bad, rest } = verdictOf({ ...base, changes: ['a'], reason: 'why' });
  expect([Object.fromEntries(bad), rest]).toEqual([{ a: 'why' }, []]);
});

test('one of which a part was asked for again meanwhile proves nothing', () => {
  const { bad, rest, trials } = verdictOf({ ...base, changes: ['a'], isAll: false, reason: 'why' });
  expect([bad.size, rest, trials]).toEqual([0, ['a'], []]);
});

test('what is not clear is tried again in halves', () => {
  expect(groups(verdictOf({ ...base, reason: 'why' }).trials)).toEqual(['a b', 'c d']);
});

test('what is only mentioned is tried by itself, after the others', () => {
  expect(groups(verdictOf({ ...base, reason: 'unknown "b"' }).trials)).toEqual(['a c d', 'b']);
});
