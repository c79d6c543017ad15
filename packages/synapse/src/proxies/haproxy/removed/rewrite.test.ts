import { describe, expect, test } from 'vitest';

import { rewriteOf } from './rewrite.ts';

const runningOf = (line: string) => {
  const rewrite = rewriteOf(line);
  return rewrite && 'running' in rewrite ? rewrite.running : undefined;
};

describe('a line whose keyword HAProxy removed runs as the one that means the same', () => {
  test.each([
    ['reqadd X-Mode:\\ ro', 'http-request add-header X-Mode ro'],
    ['reqadd "X-Mode: read only"', 'http-request add-header X-Mode "read only"'],
    [
      'reqadd X-Mode:\\ read\\ only if held !late',
      'http-request add-header X-Mode read\\ only if held !late',
    ],
    ['reqadd X-Share:\\ 50% # half', 'http-request add-header X-Share 50%%'],
    [
      'rspadd Via:\\ proxy\\ \\#1 unless held',
      'http-response add-header Via proxy\\ \\#1 unless held',
    ],
    ['rspadd Cache-Control:\\ no-store', 'http-response add-header Cache-Control no-store'],
    ['reqidel ^X-Mode:.*', 'http-request del-header X-Mode'],
    ['reqdel ^X-Mode:', 'http-request del-header X-Mode'],
    ['reqidel ^X-Mode:\\ .*$ if held', 'http-request del-header X-Mode if held'],
    ['rspidel ^Server:.*', 'http-response del-header Server'],
    ['rspdel "^Server: "', 'http-response del-header Server'],
    [
      'reqrep ^Host:\\ (.*)\\.old$ Host:\\ \\1.new',
      'http-request replace-header Host ^(.*)\\.old$ \\1.new',
    ],
    [
      'reqirep ^Host:\\ (.*)\\.old$ Host:\\ \\1.new if held',
      'http-request replace-header Host (?i)^(.*)\\.old$ \\1.new if held',
    ],
    ['reqirep ^Host:\\ (.*) host:\\ \\1', 'http-request replace-header Host ^(.*) \\1'],
    [
      'rsprep ^Location:\\ http://(.*) Location:\\ https://\\1',
      'http-response replace-header Location ^http://(.*) https://\\1',
    ],
    [
      'rspirep ^Location:\\ http://(.*) Location:\\ https://\\1',
      'http-response replace-header Location (?i)^http://(.*) https://\\1',
    ],
    [
      'reqrep ^([^\\ :]*)\\ /static/(.*) \\1\\ /\\2',
      'http-request replace-pathq ^/static/(.*) /\\1',
    ],
    [
      'reqirep ^([^\\ ]*)\\ /(a|b)/(.*) \\1\\ /\\2/new/\\3',
      'http-request replace-pathq (?i)^/(a|b)/(.*) /\\1/new/\\2',
    ],
    ['reqtarpit . if held', 'http-request tarpit if held'],
    ['reqitarpit .* unless held', 'http-request tarpit unless held'],
    ['reqdeny ^.*$', 'http-request deny'],
    ['reqideny ^X-Bad:.*', 'http-request deny if { req.fhdr(X-Bad) -m found }'],
    [
      'reqideny ^X-Bad:\\ evil if held',
      'http-request deny if { req.fhdr(X-Bad) -m reg -i ^evil } held',
    ],
    ['reqtarpit ^X-Bad:\\ evil', 'http-request tarpit if { req.fhdr(X-Bad) -m reg ^evil }'],
    [
      'rspdeny ^Set-Cookie:\\ secret',
      'http-response deny if { res.fhdr(Set-Cookie) -m reg ^secret }',
    ],
    ['rspideny . if held', 'http-response deny if held'],
    ['block if held || { hdr(X) -m found }', 'http-request deny if held || { hdr(X) -m found }'],
    ['block unless held', 'http-request deny unless held'],
    ['option forceclose', 'option httpclose'],
    ['no  option  forceclose', 'no  option httpclose'],
    ['clitimeout 5s', 'timeout client 5s'],
    ['timeout contimeout 5s', 'timeout connect 5s'],
    ['srvtimeout 5000', 'timeout server 5000'],
    ['redispatch', 'option redispatch'],
    ['redisp', 'option redispatch'],
  ])('%s', (line, running) => {
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
    ['reqidel ^X-Mode', 'write http-request del-header NAME, with -m beg or -m reg for many names'],
    [
      'reqidel ^X-Mode:\\ ro',
      'write http-request del-header NAME, with -m beg or -m reg for many names',
    ],
    [
      'reqidel ^X-Mode:.*|^X-Other:.*',
      'write http-request del-header NAME, with -m beg or -m reg for many names',
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
