import type { Instance } from '@smartstack/registry';
import { expect, test } from 'vitest';

import { filtersOf, type LabelFilter, obstacleOf, withFilters } from './label-filters.ts';

const member = (labels?: Record<string, string>): Instance => ({
  host: 'a',
  port: 1,
  ...(labels && { labels }),
});
const filter = (condition: LabelFilter['condition'], value: unknown) =>
  ({ label: 'zone', condition, value }) as LabelFilter;

test.each<[LabelFilter, Record<string, string> | undefined, boolean]>([
  [filter('equals', 'a'), { zone: 'a' }, true],
  [filter('equals', 'a'), { zone: 'b' }, false],
  [filter('equals', 'a'), {}, false],
  [filter('equals', 'a'), undefined, false],
  [filter('not-equals', 'a'), { zone: 'a' }, false],
  [filter('not-equals', 'a'), { zone: 'b' }, true],
  [filter('not-equals', 'a'), undefined, true],
  [filter('in', ['a', 'b']), { zone: 'b' }, true],
  [filter('in', ['a', 'b']), { zone: 'c' }, false],
  [filter('in', ['a', 'b']), undefined, false],
  [filter('not-in', ['a', 'b']), { zone: 'b' }, false],
  [filter('not-in', ['a', 'b']), { zone: 'c' }, true],
  [filter('not-in', ['a', 'b']), undefined, true],
  [filter('exists', true), { zone: '' }, true],
  [filter('exists', true), { other: 'a' }, false],
  [filter('exists', false), { zone: 'a' }, false],
  [filter('exists', false), undefined, true],
  [{ label: 'toString', condition: 'exists', value: true }, {}, false],
])('%j on %j: %s', (each, labels, expected) => {
  expect(obstacleOf(member(labels), [each]) === undefined).toBe(expected);
});

test('a member must fulfil all filters, the deprecated one too', () => {
  const filters = filtersOf({
    label_filter: filter('equals', 'a'),
    label_filters: [{ label: 'role', condition: 'exists', value: true }],
  });
  expect(obstacleOf(member({ zone: 'a', role: 'x' }), filters)).toBeUndefined();
  expect(obstacleOf(member({ zone: 'a' }), filters)).toMatchObject({ label: 'role' });
  expect(obstacleOf(member({ role: 'x' }), filters)).toMatchObject({ label: 'zone' });
});

test('a filtered discovery yields what is left of each list', async () => {
  const discovery = withFilters(
    async function* () {
      yield [member({ zone: 'a' }), member({ zone: 'b' })];
      yield [];
    },
    [filter('equals', 'b')],
  );
  const lists: (readonly Instance[])[] = [];
  for await (const list of discovery(new AbortController().signal)) lists.push(list);
  expect(lists).toEqual([[member({ zone: 'b' })], []]);
});
