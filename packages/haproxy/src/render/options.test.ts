// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables, not JavaScript's
import { expect, test } from 'vitest';

import { parseOptions } from './options.ts';

test.each([
  ['', [], []],
  ['weight 5 maxconn 10 backup', ['weight', '5', 'maxconn', '10', 'backup'], []],
  ['check inter 500ms rise 2 fall 3', ['check', 'inter', '500ms', 'rise', '2', 'fall', '3'], []],
  ['backup\nlisten evil', [], ['backup?listen evil']],
  ['weight 257', [], ['weight 257']],
  ['weight', [], ['weight']],
  ['inter 0', [], ['inter 0']],
  ['inter 99999999d', [], ['inter 99999999d']],
  ['"weight 5', [], ['"weight 5']],
  ['# check', [], ['# check']],
  ['weight ${HOME} backup', ['backup'], ['weight ${HOME}']],
  ['cookie x backup', ['backup'], ['cookie x']],
  ['ssl verify none backup', ['backup'], ['ssl', 'verify none']],
  ['id 1 backup', ['backup'], ['id 1']],
  ['track a/b', [], ['track a/b']],
  ['observe layer7', [], ['observe layer7']],
  ['mystery 5 backup', [], ['mystery 5 backup']],
  ['check;backup', [], ['check;backup']],
  ['check\\ backup', [], ['check\\ backup']],
  ['\0', [], ['?']],
])('of the registry options %j come %j, not %j', (text, words, refused) => {
  const parsed = parseOptions(text, 'allow');
  expect(parsed.words).toEqual(words);
  expect(parsed.refused.map(({ option }) => option)).toEqual(refused);
});

test('a list allows exactly itself, and deny allows nothing', () => {
  expect(parseOptions('ssl cookie a weight 5', ['ssl', 'cookie']).words).toEqual([
    'ssl',
    'cookie',
    'a',
  ]);
  expect(parseOptions('weight 5', 'deny')).toEqual({
    words: [],
    refused: [{ option: 'weight 5', reason: 'not allowed' }],
  });
});

test.each([
  ['check port %{port} inter 2s', ['check', 'port', '3000', 'inter', '2s'], []],
  ['weight %{nokey} backup', ['backup'], [['weight %{nokey}', 'not its value']]],
  ['check port %{host} backup', ['check', 'backup'], [['port %{host}', 'not its value']]],
  ['backup 50% check', ['backup'], [['50% check', 'not a keyword']]],
  ['cookie %{name} backup', ['backup'], [['cookie %{name}', 'not allowed']]],
  ['%{port} backup', [], [['%{port} backup', 'not a keyword']]],
])(
  'templates in %j are filled in, and their words are held to the same list',
  (text, words, refused) => {
    const values: Record<string, string> = { host: 'a.example', port: '3000', name: 'backup' };
    const fill = (word: string) =>
      word.replace(/%\{(host|port|name)\}/g, (_, key: string) => values[key] ?? '');
    const parsed = parseOptions(text, 'allow', fill);
    expect(parsed.words).toEqual(words);
    expect(parsed.refused.map(({ option, reason }) => [option, reason])).toEqual(refused);
  },
);
