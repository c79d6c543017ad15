import { expect, test } from 'vitest';

import { unsupported } from './gaps.ts';
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
