import { expect, test } from 'vitest';

import { type DecisionInput, decide } from './decision.ts';

const instance = { host: 'h', port: 1, name: 'a', weight: 100 };
const calm: DecisionInput = { instance, state: 'up', heldUntil: 0 };
const now = 1000;

test.each([
  ['a service that is up is announced', calm, { reason: 'up', instance }],
  ['one that is down is not', { ...calm, state: 'down' }, { reason: 'down' }],
  [
    'nor one that was not checked yet',
    { ...calm, state: 'unknown' },
    { reason: 'not checked yet' },
  ],
  [
    'one that is held down waits',
    { ...calm, heldUntil: 1500 },
    { reason: 'flapping', until: 1500 },
  ],
  ['a hold that is over counts no more', { ...calm, heldUntil: 1000 }, { reason: 'up', instance }],
  [
    'downtime keeps out a service that is up',
    { ...calm, downtime: { reason: 'deploy', until: 2000 } },
    { reason: 'downtime', until: 2000 },
  ],
  [
    'downtime without an end too',
    { ...calm, downtime: { reason: 'deploy' } },
    { reason: 'downtime' },
  ],
  [
    'downtime that is over counts no more',
    { ...calm, downtime: { reason: 'deploy', until: 1000 } },
    { reason: 'up', instance },
  ],
  [
    'a service that came up again warms up',
    { ...calm, cameUpAt: 500, warmup: 1000 },
    { reason: 'up', instance: { ...instance, weight: 60 }, until: 1100 },
  ],
  ['one that was up at the start does not', { ...calm, warmup: 1000 }, { reason: 'up', instance }],
  [
    "an operator's weight stands",
    { ...calm, weight: 7 },
    { reason: 'up', instance: { ...instance, weight: 7 } },
  ],
] satisfies [string, DecisionInput, object][])('%s', (_, input, expected) => {
  expect(decide(input, now)).toEqual(expected);
});

test('a service without a weight is announced without one', () => {
  const plain = { host: 'h', port: 1 };
  expect(decide({ ...calm, instance: plain }, now).instance).toEqual(plain);
});
