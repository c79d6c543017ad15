// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables, not JavaScript's
import { expect, test } from 'vitest';

import { commandWord, splitWords, startsWith } from './words.ts';

test.each([
  ['check inter 2s', ['check', 'inter', '2s']],
  ['  check \t  fall 3 # not this', ['check', 'fall', '3']],
  [`sni "str(a b)" x`, ['sni', 'str(a b)', 'x']],
  [`sni 'a"b'`, ['sni', 'a"b']],
  ['a\\ b c', ['a b', 'c']],
  ['""', ['']],
  ['"${ENV}"', undefined],
  ['${ENV}', ['${ENV}']],
  ['a\\n', undefined],
  ['"open', undefined],
])('the words of %j are %j', (line, words) => {
  expect(splitWords(line)).toEqual(words);
});

test('a word keeps its separators in a command', () => {
  expect(commandWord('a b;c\\d')).toBe('a\\ b\\;c\\\\d');
});

test('keywords compare in small letters and single spaces, as whole words', () => {
  expect(startsWith('  Option   HTTPCHK /health', 'option httpchk')).toBe(true);
  expect(startsWith('modest', 'mode')).toBe(false);
});
