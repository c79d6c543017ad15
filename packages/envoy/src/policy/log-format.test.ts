import { expect, test } from 'vitest';

import { badOperator } from './log-format.ts';

test.each([
  'plain',
  '100%% of %PROTOCOL%',
  '%REQ(:METHOD)% %REQ(X-ID?:PATH):20% [%START_TIME(%Y-%m-%dT%H:%M)%]',
  "%CEL(response.code_details.startsWith('x') ? 'a' : 'b')%%BYTES_SENT%",
])('takes %s', (format) => {
  expect(badOperator(format)).toBeUndefined();
});

test.each([
  ['%ci:%cp [%tr]', '%ci:%cp'],
  ['%REQ(:METHOD)% %PROTOCOL', '%PROTOCOL'],
  ['100% of %PROTOCOL%', '%'],
  ['%REQ(:METHOD %PROTOCOL%', '%REQ(:METHOD'],
  ['%[src]', '%[src]'],
])('finds what is none in %s', (format, found) => {
  expect(badOperator(format)).toBe(found);
});
