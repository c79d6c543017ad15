import { expect, test } from 'vitest';

import { createJournal } from './journal.ts';

const event = (text: string) => ({ kind: 'joined', tone: 'good', text }) as const;

test('the last events are kept, and told from one on', () => {
  const journal = createJournal(3, () => 42);
  for (const text of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) journal.add(event(text));
  expect(journal.after(0).map(({ text }) => text)).toEqual(['e', 'f', 'g']);
  expect(journal.after(6)).toEqual([{ ...event('g'), id: 7, at: 42 }]);
});

test('a text from outside is cut to a bounded length', () => {
  const journal = createJournal();
  journal.add(event('x'.repeat(1_000_000)));
  expect(journal.after(0)[0]?.text).toHaveLength(500);
});
