import { expect, test } from 'vitest';

import { amount, clock, measured, span } from './format.ts';

test.each([
  [-5, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_600_000, '1 h'],
  [3_660_000, '1 h 1 min'],
  [36_000_000, '10 h'],
  [172_800_000, '2 d'],
])('%d ms is %s', (milliseconds, text) => {
  expect(span(milliseconds)).toBe(text);
});

test.each([
  [0, '0'],
  [0.44, '0.4'],
  [3, '3'],
  [12.4, '12'],
  [12_345, '12,345'],
  [2_500_000, '2.5 M'],
])('%d is %s', (value, text) => {
  expect(amount(value)).toBe(text);
});

test('what is measured has its unit, and what is not is a dash', () => {
  expect(measured(0, 'ms')).toBe('<1 ms');
  expect(measured(12_000, 'ms')).toBe('12 s');
  expect(measured(1.5, '/s')).toBe('1.5/s');
  expect(measured(null, 'ms')).toBe('–');
});

test('another day’s time has its date', () => {
  const now = new Date(2026, 0, 2, 3, 4, 5).getTime();
  expect(clock(now, now)).toBe('03:04:05');
  expect(clock(now - 86_400_000, now)).toBe('2026-01-01 03:04:05');
});
