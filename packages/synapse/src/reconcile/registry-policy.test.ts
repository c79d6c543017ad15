import type { MergedPolicy, Policy } from '@smartstack/policy';
import { expect, test } from 'vitest';

import type { JudgePolicy } from '../config/policy-judge.ts';
import { createPolicyInForce } from './registry-policy.ts';

const merged = (policy: Policy): MergedPolicy => ({ policy, origins: new Map() });
const configured = { policy: merged({ slow_start: 1 }) };

/** Takes every policy without a trace. */
const judge: JudgePolicy = (registry) =>
  registry.trace
    ? { problems: ['no trace here'] }
    : { policed: { policy: merged(registry), registryPolicy: registry } };

function inForce(before?: Policy) {
  const refusals: (readonly string[])[] = [];
  const force = createPolicyInForce({
    judge,
    configured,
    before,
    onRefused: (problems) => refusals.push(problems),
  });
  const now = () => force.current().policy?.policy;
  return { ...force, now, refusals };
}

test('a policy of the registry is in force until it is another, or none', () => {
  const { use, now } = inForce();
  expect(now()).toEqual({ slow_start: 1 });
  use({ policy: { slow_start: 2 } });
  expect(now()).toEqual({ slow_start: 2 });
  use(undefined);
  expect(now()).toEqual({ slow_start: 1 });
});

test('what cannot be used leaves the last good one, and is told once', () => {
  const { use, now, refused, refusals } = inForce();
  use({ policy: { slow_start: 2 } });
  use({ policy: { trace: 'w3c' } });
  use({ policy: { trace: 'w3c' } });
  expect(now()).toEqual({ slow_start: 2 });
  expect(refused()).toEqual(['no trace here']);
  use({ problems: ['policy: expected a mapping'] });
  expect(now()).toEqual({ slow_start: 2 });
  expect(refusals).toEqual([['no trace here'], ['policy: expected a mapping']]);
  use({ policy: { slow_start: 2 } });
  expect(refused()).toEqual([]);
});

test('data that nobody can read changes nothing, and is nobody’s mistake in a policy', () => {
  const { use, now, refused, refusals } = inForce();
  use({ policy: { slow_start: 2 } });
  use({ problems: [] });
  expect(now()).toEqual({ slow_start: 2 });
  expect(refused()).toEqual([]);
  expect(refusals).toEqual([]);
});

test('what was said before goes on until it is heard again', () => {
  const { use, now } = inForce({ slow_start: 3 });
  expect(now()).toEqual({ slow_start: 3 });
  use(undefined);
  expect(now()).toEqual({ slow_start: 1 });
});

test('what was refused because of other services is in force once they allow it', () => {
  let others = new Map([['api', merged({})]]);
  const force = createPolicyInForce({
    judge: (registry, inForce) =>
      inForce?.has('api') ? { problems: ['a circle'] } : { policed: { policy: merged(registry) } },
    configured,
    before: undefined,
    others: () => others,
    onRefused: () => {},
  });
  expect(force.again()).toBe(false);
  force.use({ policy: { slow_start: 2 } });
  expect(force.refused()).toEqual(['a circle']);
  expect(force.again()).toBe(false);
  others = new Map();
  expect(force.again()).toBe(true);
  expect(force.current().policy?.policy).toEqual({ slow_start: 2 });
  expect(force.refused()).toEqual([]);
});
