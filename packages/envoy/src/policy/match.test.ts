import { expect, test } from 'vitest';

import { matchOf, methodGroups } from './match.ts';

const query = (value: string) => matchOf({ query: { v: value } }).queryParameters[0];
const pattern = (value: string) => query(value)?.queryParameterMatchSpecifier.value.matchPattern;

test('a parameter without characters that are encoded is compared as it is', () => {
  expect(pattern('v2.1_a-b~')).toEqual({ case: 'exact', value: 'v2.1_a-b~' });
});

test.each([
  ['a b', ['a+b', 'a%20b'], ['ab', 'a%21b']],
  ['50%/é', ['50%25/%c3%A9', '50%25%2f%C3%a9'], ['50/%C3%A9', '50%/%C3%A9']],
  ['a+b', ['a%2Bb', 'a%2bb'], ['a+b', 'a%20b']],
])('%s is found however it is encoded', (value, found, others) => {
  const made = pattern(value);
  const regex = made?.case === 'safeRegex' ? new RegExp(`^(?:${made.value.regex})$`) : /^$/;
  for (const each of found) expect(regex.test(each), each).toBe(true);
  for (const each of others) expect(regex.test(each), each).toBe(false);
});

test('a long one is compared as it is encoded mostly, whatever its characters', () => {
  expect(pattern('é'.repeat(30))).toEqual({ case: 'exact', value: '%C3%A9'.repeat(30) });
  expect(pattern(' '.repeat(30))).toEqual({ case: 'exact', value: '%20'.repeat(30) });
  expect(pattern('\ud800'.repeat(30))).toEqual({ case: 'exact', value: '%EF%BF%BD'.repeat(30) });
});

test('methods are in groups that one expression has room for', () => {
  expect(methodGroups(['GET', 'HEAD'])).toEqual([['GET', 'HEAD']]);
  const many = Array.from({ length: 20 }, (_, index) => `METHOD-${'ABCDEFGHIJKLMNOPQRST'[index]}`);
  expect(methodGroups(many).flat()).toEqual(many);
  for (const group of methodGroups(many)) expect(group.join('|').length).toBeLessThan(80);
});
