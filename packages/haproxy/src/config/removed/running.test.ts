import { expect, test } from 'vitest';

import { runningLines } from './running.ts';

test('lines of today are untouched', () => {
  const lines = [
    'mode http',
    'http-request deny if a',
    'http-request set-header a b',
    'acl a src ::1',
  ];
  expect(runningLines(lines)).toBe(lines);
});

test('rewritten lines stay where they are while their order is the one that they always had', () => {
  expect(
    runningLines([
      'mode http',
      'reqidel ^X-Mode:.*',
      'reqadd X-Mode:\\ ro',
      'option forceclose',
      'no option http-tunnel',
    ]),
  ).toEqual([
    'mode http',
    'http-request del-header X-Mode',
    'http-request add-header X-Mode ro',
    'option httpclose',
  ]);
});

test('headers are added last and block is first, whatever the order in the file, as before HAProxy 2.1', () => {
  expect(
    runningLines([
      'reqadd X-Mode:\\ ro',
      'reqidel ^X-Mode:.*',
      'http-request set-header X-A 1',
      'rspadd X-B:\\ 1',
      'acl held src 10.0.0.1',
      'block if held',
    ]),
  ).toEqual([
    'acl held src 10.0.0.1',
    'http-request deny if held',
    'http-request set-header X-A 1',
    'http-request del-header X-Mode',
    'http-response add-header X-B 1',
    'http-request add-header X-Mode ro',
  ]);
});

test('what has no exact meaning stays, for HAProxy to refuse', () => {
  expect(runningLines(['reqpass ^X:'])).toEqual(['reqpass ^X:']);
});
