import { expect, test } from 'vitest';

import { createVerified } from './verified.ts';

const fingerprints = (web: number) => new Map([['web', web]]);

test('what was found in step is looked at again once it is another, and only then', () => {
  const verified = createVerified();
  verified.looked('web', 1);
  verified.audit(['web'], fingerprints(1));
  expect(verified.due('web')).toBe(Infinity);
  verified.audit(['web'], fingerprints(2));
  expect(verified.due('web')).toBe(0);
  verified.looked('web', 2);
  expect(verified.due('web')).toBe(Infinity);
  verified.audit(['web'], new Map());
  expect(verified.due('web')).toBe(0);
});

test('what was not found in step is looked at in every audit', () => {
  const verified = createVerified();
  verified.looked('web', undefined);
  expect(verified.due('web')).toBe(Infinity);
  verified.audit(['web'], fingerprints(1));
  expect(verified.due('web')).toBe(0);
});

test('what was changed is looked at a little later, and in an audit before that', () => {
  const verified = createVerified();
  verified.looked('web', 1);
  verified.changed('web');
  expect(verified.due('web')).toBeGreaterThan(performance.now());
  expect(verified.due('web')).toBeLessThan(Infinity);
  verified.audit(['web'], fingerprints(1));
  expect(verified.due('web')).toBe(0);
  verified.clear();
  expect(verified.due('web')).toBe(Infinity);
});
