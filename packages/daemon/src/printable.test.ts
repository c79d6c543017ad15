import { expect, test } from 'vitest';

import { oneLine, printable } from './printable.ts';

test.each([
  ['web-1 ü✓ 😀', 'web-1 ü✓ 😀'],
  ['\u001b[2Jweb', '\ufffd[2Jweb'],
  ['\u009b2Jweb\u007f\r', '\ufffd2Jweb\ufffd\ufffd'],
  ['web\u202e1', 'web\ufffd1'],
])('%j is printed as %j', (text, expected) => {
  expect(printable(text)).toBe(expected);
  expect(oneLine(text)).toBe(expected);
});

test('only the ends of lines are kept, where there may be several', () => {
  expect(printable('a\nb')).toBe('a\nb');
  expect(oneLine('a\nb')).toBe('a\ufffdb');
});
