import { expect, test } from 'vitest';

import { isForUs } from './host.ts';

test.each([
  ['127.0.0.1:9102', '127.0.0.1', true],
  ['localhost:9102', '127.0.0.1', true],
  ['LOCALHOST', '127.0.0.1', true],
  ['127.0.0.53', '127.0.0.1', true],
  ['[::1]:9102', '::1', true],
  [undefined, '127.0.0.1', true],
  ['evil.example', '127.0.0.1', false],
  ['127.0.0.1.evil.example', '127.0.0.1', false],
  ['localhost.evil.example:9102', '127.0.0.1', false],
  ['evil.example@127.0.0.1', '127.0.0.1', false],
  ['10.0.0.1:9102', '127.0.0.1', false],
  ['', '127.0.0.1', false],
  ['10.0.0.1:9102', '0.0.0.0', true],
  ['[fe80::1]', '::', true],
  ['127.0.0.1', '10.0.0.1', true],
  ['vm-1.example:9102', 'VM-1.example', true],
  ['evil.example', '10.0.0.1', false],
])('a request to %s, where %s is configured, is for us: %s', (header, configured, expected) => {
  expect(isForUs(header, configured)).toBe(expected);
});
