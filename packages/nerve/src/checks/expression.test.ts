import { describe, expect, test } from 'vitest';

import { compileExpression } from './expression.ts';

test.each([
  ['"status":\\s*"up"', '{"status": "up"}', true],
  ['^ok$', 'ok', true],
  ['^ok$', 'not ok', false],
  ['\\/health\\u0041', '/healthA', true],
  ['(?<name>a+)b', 'xaab', true],
  ['(?:é|ü)+', 'naïve ü', true],
])('%s on %j is %s', async (source, text, matches) => {
  expect((await compileExpression(source)).test(text)).toBe(matches);
});

test.each([
  ['(?=a)b', /looking ahead or behind .* write it without$/],
  ['(?<!a)b', /looking ahead or behind .* write it without$/],
  ['(a)\\1', /references back, which can take for ever: write it without$/],
  ['(', /^no regular expression of RE2's syntax: missing closing \)/],
])('%s is refused', async (source, message) => {
  await expect(compileExpression(source)).rejects.toThrow(message);
});

/** Expressions that take exponential time, or much memory, where they are tried one way after the other. */
const evil = [
  '^(a+)+$',
  '(a|a)*c',
  '(a|aa|aaa){1,100}$',
  '(.*)*z(.*)*y',
  '(?i)(?:a|b)*a(?:a|b){50}C',
];

describe('no text holds the main thread up for longer than its length, whatever the expression', () => {
  test.each(evil)('%s', async (source) => {
    const expression = await compileExpression(source);
    const time = (length: number) => {
      const text = `${'ab'.repeat(length / 4)}${'a'.repeat(length / 2)}!`;
      const start = process.cpuUsage();
      expect(expression.test(text)).toBe(false);
      const { user, system } = process.cpuUsage(start);
      return Math.max(user + system, 2_000);
    };
    time(4_096);
    const [once, twice] = [time(262_144), time(524_288)];
    // Quadratic time would be 4 and 16; a busy machine doubles what little there is to measure.
    expect(Math.min(twice / once, time(524_288) / once)).toBeLessThan(4);
    expect(time(1_048_576) / once).toBeLessThan(12);
  });
});
