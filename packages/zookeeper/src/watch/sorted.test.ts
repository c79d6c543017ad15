import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Child } from '../contract.ts';
import { createSorted } from './sorted.ts';

const child = (name: string): Child => ({ name, data: Buffer.alloc(0), stat: undefined });

/** Names that come, go or change together, as often as the test says. */
const steps = fc.array(
  fc.array(fc.record({ name: fc.string({ maxLength: 3 }), isThere: fc.boolean() }), {
    maxLength: 80,
  }),
  { maxLength: 8 },
);

test('after any changes the list is every child as it is now, in the order of names', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const known = new Map<string, Child>();
      const sorted = createSorted((name) => known.get(name));
      for (const step of all) {
        for (const { name, isThere } of step) {
          if (isThere) known.set(name, child(name));
          else known.delete(name);
          sorted.note(name);
        }
        expect(sorted.isNoted).toBe(step.length > 0);
        const names = [...known.keys()].sort((a, b) => (a < b ? -1 : 1));
        const list = sorted.list();
        expect(list.map(({ name }) => name)).toEqual(names);
        expect(list.every((one) => one === known.get(one.name))).toBe(true);
        expect(sorted.isNoted).toBe(false);
      }
    }),
  );
});

test('a list that was given out stays as it was', () => {
  const known = new Map([['a', child('a')]]);
  const sorted = createSorted((name) => known.get(name));
  sorted.note('a');
  const first = sorted.list();
  known.set('b', child('b'));
  sorted.note('b');
  expect(sorted.list()).toHaveLength(2);
  expect(first).toHaveLength(1);
});
