import { expect, test } from 'vitest';

import { unsupported, withoutGaps } from './gaps.ts';
import { policySchema } from './words/policy.ts';

const one = { proxy: 'one', gaps: [{ word: 'hedge', why: 'it has one try at a time' }] };
const other = { proxy: 'other', gaps: [{ word: 'routes.mirror', why: 'it copies nothing' }] };
const policy = policySchema.parse({
  hedge: { after: '1s' },
  routes: [{}, { mirror: { to: { service: 'b' } } }],
});

test('a word that a proxy cannot do is named with who can', () => {
  expect(unsupported(policy, one, [one, other])).toEqual([
    {
      path: ['hedge'],
      message: 'one cannot do this: it has one try at a time; these can: other',
    },
  ]);
  expect(unsupported(policy, other, [other])).toEqual([
    {
      path: ['routes', 1, 'mirror'],
      message:
        'other cannot do this: it copies nothing; no proxy that synapse runs can: leave it out, or set policy_unsupported: warn',
    },
  ]);
});

test('a word that other versions can do is named with these', () => {
  const gaps = [{ word: 'retries.on', value: 429, since: '3.0', why: 'this is 2.6' }];
  const retried = policySchema.parse({ retries: { on: [429, 503] } });
  expect(unsupported(retried, { proxy: 'one', gaps }, [{ proxy: 'one', gaps }, other])).toEqual([
    {
      path: ['retries', 'on'],
      message: 'one cannot do this: this is 2.6; these can: one from 3.0 on, other',
    },
  ]);
});

test('values that a proxy cannot do are left out of their lists, in routes too', () => {
  const gaps = ['retries.on', 'routes.retries.on'].map((word) => ({ word, value: 429, why: '' }));
  const retries = { on: [429, 503] };
  const before = policySchema.parse({ retries, routes: [{ retries, to: [{ service: 'b' }] }] });
  const left = withoutGaps(before, gaps);
  expect(left.retries?.on).toEqual([503]);
  expect(left.routes?.[0]?.retries?.on).toEqual([503]);
  expect(before.retries?.on).toEqual([429, 503]);
  expect(withoutGaps(left, gaps)).toBe(left);
});
