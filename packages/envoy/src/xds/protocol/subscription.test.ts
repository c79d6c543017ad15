import { expect, test } from 'vitest';

import type { ResourceType } from '../resource.ts';
import { snapshotOf } from './snapshot.fixture.ts';
import { createSubscription } from './subscription.ts';

const served = snapshotOf({
  cluster: { a: '1', b: '1', '~c': '1' },
  endpoints: { a: '1', b: '1' },
});

function wantedOf(type: ResourceType, subscription: ReturnType<typeof createSubscription>): string {
  const resources = served[type];
  return [...resources.keys()].filter((name) => subscription.wanted(resources, name)).join(' ');
}

test.for<[what: string, type: ResourceType, requests: string[][], wanted: string]>([
  ['no names at all mean everything but what is only for who names it', 'cluster', [[]], 'a b'],
  ['no names of endpoints mean none', 'endpoints', [[]], ''],
  ['everything by its name', 'endpoints', [['*']], 'a b'],
  ['everything, and one of the others', 'cluster', [['*', '~c']], 'a b ~c'],
  ['everything stays with an explicit name beside it', 'cluster', [[], ['*', 'a']], 'a b'],
  ['names in place of everything', 'cluster', [[], ['a']], 'a'],
  ['no names after some mean none', 'cluster', [['a'], []], ''],
  ['the example of the specification', 'cluster', [[], ['*', 'a'], ['a'], []], ''],
])('state of the world: %s', ([, type, requests, wanted]) => {
  const subscription = createSubscription(type);
  for (const names of requests) subscription.replace(names);
  expect(wantedOf(type, subscription)).toBe(wanted);
});

test.for<[what: string, requests: [add: string[], remove: string[]][], wanted: string]>([
  ['no names at all mean everything', [[[], []]], 'a b'],
  [
    'a name beside everything',
    [
      [[], []],
      [['~c'], []],
    ],
    'a b ~c',
  ],
  [
    'everything is left out',
    [
      [[], []],
      [['a'], []],
      [[], ['*']],
    ],
    'a',
  ],
  [
    'the example of the specification',
    [
      [[], []],
      [['a'], []],
      [[], ['*']],
      [[], ['a']],
    ],
    '',
  ],
  [
    'no names after some mean nothing new',
    [
      [['a'], []],
      [[], []],
    ],
    'a',
  ],
  [
    'what is left out and added at once is added',
    [
      [['a'], []],
      [['a'], ['a']],
    ],
    'a',
  ],
  [
    'what was never asked for is left out in vain',
    [
      [['a'], []],
      [[], ['b']],
    ],
    'a',
  ],
  ['a first request that only leaves out asks for nothing', [[[], ['b']]], ''],
])('incremental: %s', ([, requests, wanted]) => {
  const subscription = createSubscription('cluster');
  for (const [add, remove] of requests) subscription.adjust(add, remove);
  expect(wantedOf('cluster', subscription)).toBe(wanted);
});
