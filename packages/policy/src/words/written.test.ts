import { expect, test } from 'vitest';

import { writtenLine, writtenShare, writtenTime, writtenWord } from './written.ts';

test.each([
  [250, '250ms'],
  [1000, '1s'],
  [1500, '1500ms'],
  [60_000, '1m'],
  [90_000, '90s'],
  [86_400_000, '24h'],
])('%s milliseconds are %s', (milliseconds, text) => {
  expect(writtenTime(milliseconds)).toBe(text);
});

test.each([
  [0.2, '20%'],
  [0.001, '0.1%'],
  [0.9990000000000001, '99.9%'],
  [1 / 3, '33.3333%'],
  [1, '100%'],
])('a share of %s is %s', (part, text) => {
  expect(writtenShare(part)).toBe(text);
});

test('a word is written by what its last key is of', () => {
  expect(writtenWord('budget', 0.2)).toBe('20%');
  expect(writtenWord('per_try', 250)).toBe('250ms');
  expect(writtenWord('attempts', 2)).toBe(2);
  expect(writtenWord('routes', [{ fault: { delay: { time: 200, share: 0.01 } } }])).toEqual([
    { fault: { delay: { time: '200ms', share: '1%' } } },
  ]);
});

test.each([
  [{ a: ['b', 503], c: 'true' }, '{a: [b, 503], c: "true"}'],
  ['20%', '20%'],
  ['/v2', '/v2'],
  ['12', '"12"'],
  ['a b', '"a b"'],
  ['', '""'],
  [false, 'false'],
])('%j in a line is %s', (value, line) => {
  expect(writtenLine(value)).toBe(line);
});
