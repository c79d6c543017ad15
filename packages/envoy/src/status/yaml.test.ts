import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { yamlLines } from './yaml.ts';

test.each([
  [{ a: 1, b: 'text', c: true, d: null }],
  [{ list: [1, 'two', { three: 3, more: ['a', []] }], none: [], empty: {} }],
  [[[1, 2], [], [{ a: [{ b: 'c' }] }]]],
  [{ '@type': 'type.googleapis.com/a.B', 'a: b': '- c', true: 'yes', '1': '2' }],
  [{ texts: ['', ' ', '# no comment', 'a\nb', 'null', '0.25s', '"', '%REQ(:PATH)%', 'web|v=2'] }],
])('YAML reads the lines of %j as the same', (value) => {
  expect(parse(yamlLines(value).join('\n'))).toEqual(value);
});

test('text that needs no quotes has none', () => {
  expect(yamlLines({ name: 'listener/web', type: 'EDS', cluster: 'web|v=2' })).toEqual([
    'name: listener/web',
    'type: EDS',
    'cluster: web|v=2',
  ]);
});
