// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables, not JavaScript's
import { expect, test } from 'vitest';

import { parseOptions } from './options.ts';

test.each([
  ['', [], []],
  ['weight 5 maxconn 10 backup', ['weight', '5', 'maxconn', '10', 'backup'], []],
  ['check inter 500ms rise 2 fall 3', ['check', 'inter', '500ms', 'rise', '2', 'fall', '3'], []],
  ['backup\nlisten evil', [], ['backup?listen', 'evil']],
  ['weight 257', [], ['weight 257']],
  ['weight', [], ['weight']],
  ['inter 0', [], ['inter 0']],
  ['inter 99999999d', [], ['inter 99999999d']],
  ['"weight 5', [], ['"weight', '5']],
  ['# check', [], ['#', 'check']],
  ['weight ${HOME} backup', ['backup'], ['weight ${HOME}']],
  ['cookie x backup', ['backup'], ['cookie x']],
  ['ssl verify none backup', ['backup'], ['ssl', 'verify none']],
  ['id 1 backup', ['backup'], ['id 1']],
  ['track a/b', [], ['track a/b']],
  ['observe layer7', [], ['observe layer7']],
  ['mystery 5 backup', [], ['mystery', '5', 'backup']],
  ['check;backup', [], ['check;backup']],
  ['check\\ backup', [], ['check\\', 'backup']],
  ['\0', [], ['?']],
])('of the registry options %j come %j, not %j', (text, words, refused) => {
  expect(parseOptions(text, 'allow')).toEqual({ words, refused });
});

test('a list allows exactly itself, and deny allows nothing', () => {
  expect(parseOptions('ssl cookie a weight 5', ['ssl', 'cookie']).words).toEqual([
    'ssl',
    'cookie',
    'a',
  ]);
  expect(parseOptions('weight 5', 'deny')).toEqual({ words: [], refused: ['weight 5'] });
});
