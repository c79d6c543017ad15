import { describe, expect, test } from 'vitest';
import { rewriteOf } from './rewrite.ts';
import { rewrites } from './rewrites.fixture.ts';

const runningOf = (line: string) => {
  const rewrite = rewriteOf(line);
  return rewrite && 'running' in rewrite ? rewrite.running : undefined;
};

describe('a line whose keyword HAProxy removed runs as the one that means the same', () => {
  test.each(rewrites)('%s', (line, running) => {
    expect(runningOf(line)).toBe(running);
  });
});

test('no option http-tunnel has no effect today, and is no line', () => {
  expect(rewriteOf('no option http-tunnel')).toEqual({ running: undefined });
});

describe('a line that means nothing exactly today has advice', () => {
  test.each([
    ['reqadd X-Mode: ro', 'write http-request add-header NAME VALUE'],
    ['reqadd X-Mode:\\ a\\r\\nX-Other:\\ b', 'write http-request add-header NAME VALUE'],
    ['reqadd X-Mode:', 'write http-request add-header NAME VALUE'],
    ['rspadd "X-Mode: ro', 'write http-response add-header NAME VALUE'],
    ['reqidel X-Mode', 'write http-request del-header NAME, with -m beg or -m reg for many names'],
    [
      'reqidel ^X-Mode:\\ ro',
      'write http-request del-header NAME, with -m beg or -m reg for many names',
    ],
    [
      'reqidel ^X-Mode:.*|^X-Other:.*',
      'write http-request del-header NAME, with -m beg or -m reg for many names',
    ],
    [
      'reqidel ^(X-A|X-B',
      'write http-request del-header NAME, with -m beg or -m reg for many names',
    ],
    [
      'rspirep ^(Set-Cookie:a.*) \\1;\\ Secure',
      'write http-response replace-header NAME REGEX VALUE, or set-status CODE',
    ],
    [
      'rspirep ^(Set-Cookie:.*) \\1\\1',
      'write http-response replace-header NAME REGEX VALUE, or set-status CODE',
    ],
    [
      'reqrep ^Host:\\ (.*) Host:\\ \\0',
      'write http-request replace-header NAME REGEX VALUE, or replace-path REGEX PATH',
    ],
    [
      'reqrep ^Host:\\ a|b Host:\\ c',
      'write http-request replace-header NAME REGEX VALUE, or replace-path REGEX PATH',
    ],
    [
      'reqrep ^Host:\\ a Other:\\ c',
      'write http-request replace-header NAME REGEX VALUE, or replace-path REGEX PATH',
    ],
    [
      'reqrep ^Host:(.*) Host:\\ x\\1',
      'write http-request replace-header NAME REGEX VALUE, or replace-path REGEX PATH',
    ],
    [
      'reqrep ^([^\\ :]*)\\ /a/(.*) GET\\ /\\2',
      'write http-request replace-header NAME REGEX VALUE, or replace-path REGEX PATH',
    ],
    [
      'reqrep ^([^\\ :]*)\\ /a/(.*) \\1\\ /b',
      'write http-request replace-header NAME REGEX VALUE, or replace-path REGEX PATH',
    ],
    [
      'rsprep ^HTTP/1.1\\ 500 HTTP/1.1\\ 503',
      'write http-response replace-header NAME REGEX VALUE, or set-status CODE',
    ],
    [
      'reqdeny ^GET\\ /admin',
      'write http-request deny with a condition such as if { path_beg /x } or { hdr(NAME) -m reg REGEX }',
    ],
    [
      'reqdeny ^X-Bad:\\ evil if a or b',
      'write http-request deny with a condition such as if { path_beg /x } or { hdr(NAME) -m reg REGEX }',
    ],
    [
      'reqdeny ^X-Bad:\\ evil unless a',
      'write http-request deny with a condition such as if { path_beg /x } or { hdr(NAME) -m reg REGEX }',
    ],
    [
      'reqdeny',
      'write http-request deny with a condition such as if { path_beg /x } or { hdr(NAME) -m reg REGEX }',
    ],
    ['reqpass ^X-Mode:', 'give the http-request rules that are not to apply a condition'],
    ['reqipass ^X-Mode:', 'give the http-request rules that are not to apply a condition'],
    [
      'reqallow . if held',
      'write http-request allow with a condition, before the rules that are not to apply',
    ],
    [
      'reqiallow .',
      'write http-request allow with a condition, before the rules that are not to apply',
    ],
    ['block', 'write http-request deny with a condition'],
    ['option http-tunnel', 'take it out: keep-alive, which needs no line, serves what it was for'],
  ])('%s', (line, advice) => {
    expect(rewriteOf(line)).toEqual({ advice });
  });
});

test.each([
  'http-request deny',
  'option httpclose',
  'blocked',
  'reqaddx y',
  'timeout client 5s',
  'no option redispatch',
  'rsptarpit .',
  '',
])('any other line is none of these: %j', (line) => {
  expect(rewriteOf(line)).toBeUndefined();
});
