import { describe, expect, test } from 'vitest';

import { loadText } from '../../config/policy.fixture.ts';
import { lookAtPolicy } from './look.ts';
import { parseRequest } from './request.ts';
import { policyText, shownPolicy } from './show.ts';
import { tryRequest } from './try.ts';
import { triedText } from './try-text.ts';

const config = `policy_unsupported: warn
defaults:
  policy: {timeouts: {idle: 2m}, retries: {budget: 10%}}
services:
  web:
    discovery: {method: base}
    default_servers:
      - {host: 127.0.0.1, port: 1, labels: {version: v1}}
      - {host: 127.0.0.1, port: 2, labels: {version: v2}}
      - {host: 127.0.0.1, port: 3, labels: {version: v1}}
    port: 3213
    protocol: http
    policy:
      timeouts: {request: 1500ms}
      retries: {attempts: 2, on: [connect_failure, 503]}
      hedge: {after: 100ms}
      balance: {ring_hash: {header: x-user}}
      routes:
        - {name: gone, match: {path: /gone}, respond: {status: 410}}
        - name: canary
          match: {path_prefix: /v2, headers: {x-canary: "true"}}
          to: [{subset: {version: v2}, weight: 10}, {subset: {version: v1}, weight: 85}, {service: api, weight: 5}]
          retries: {attempts: 0}
          rewrite: {path_prefix: /, host: web.internal}
          headers: {request: {set: {x-from: mesh}}}
          fault: {delay: {time: 200ms, share: 1%}}
          rate_limit: {requests: 100, burst: 20, by: {header: x-client}}
  api:
    discovery: {method: base}
    port: 3214
    protocol: http
`;

async function look(service: string, text = config) {
  return lookAtPolicy(await loadText(text), service, new AbortController().signal);
}

async function tried(request: string): Promise<string> {
  const looked = await look('web');
  return triedText(tryRequest(looked, looked.service.policy?.policy ?? {}, parseRequest(request)));
}

test('show has every word as it is written, and where it comes from', async () => {
  const looked = await look('web');
  const shown = await shownPolicy(looked);
  const word = (name: string) => shown.words.find((each) => each.word === name);
  const at = (place: string) => expect.stringMatching(new RegExp(`synapse.yaml:${place}$`));
  expect(word('timeouts.connect')).toMatchObject({ value: '1s', from: 'built-in', at: null });
  expect(word('timeouts.idle')).toMatchObject({ value: '2m', from: 'defaults', at: at('3:23') });
  expect(word('timeouts.request')).toMatchObject({
    value: '1500ms',
    from: 'service',
    at: at('14:18'),
  });
  expect(word('retries.budget')).toMatchObject({ value: '10%', from: 'defaults' });
  expect(word('routes[1]')).toMatchObject({
    value: { name: 'canary', fault: { delay: { time: '200ms', share: '1%' } } },
    at: at('20:11'),
  });
  expect(shown.ignored).toEqual([
    { word: 'hedge', why: expect.stringContaining('haproxy cannot do this') },
  ]);
  expect(shown.directives.map(({ title }) => title)).toEqual(
    expect.arrayContaining(['frontend web', 'backend web', 'backend web.limit-canary']),
  );
  const text = policyText(shown, looked);
  expect(text).toMatch(/^balance +service, \S+:17:7 +\{ring_hash: \{header: x-user\}\}$/m);
  expect(text).toMatch(/^frontend web\n {4}mode http\n/m);
  expect(text).toMatch(/^ {4}server <each member> .*on-error mark-down$/m);
});

test('show of a service without a policy says how to give it one', async () => {
  const text =
    'services:\n  web: {discovery: {method: base}, haproxy: {port: 1}}\n  none: {discovery: {method: base}}\n';
  const shown = async (name: string) => {
    const looked = await look(name, text);
    return policyText(await shownPolicy(looked), looked).replace(/\(\S*synapse/g, '(synapse');
  };
  expect(await shown('web')).toBe(
    'web has no policy: what its haproxy section says is all. Give it one with `policy` in services.web (synapse.yaml:2:3), or all services with defaults.policy.\n',
  );
  expect(await shown('none')).toBe(
    'none has no policy: it is not proxied. Give it a `port` and a `policy` in services.none (synapse.yaml:3:3).\n',
  );
});

test('a service that is not there is an error with the nearest', async () => {
  await expect(look('wbe')).rejects.toThrow('there is no service wbe; did you mean web?');
  await expect(look('completely')).rejects.toThrow(
    'there is no service completely; there are web, api',
  );
});

test('try says route, split, what is changed, and how it is tried', async () => {
  const text = await tried('GET /v2/a?b=1 x-canary:true');
  expect(text.replace(/\(\S*synapse/g, '(synapse')).toBe(`GET /v2/a?b=1 to web
  route       canary, routes[1] (synapse.yaml:20:11)
              the path /v2/a is /v2 or below it
              the header x-canary is "true"
  not         gone, routes[0]: the path /v2/a is not /gone
  rate limit  100 per 1s, 20 more after a quiet time, for each {header: x-client}; more is answered with 429
  fault       1% wait 200ms first
  rewrite     /a?b=1, host web.internal
  headers     request: {set: {x-from: mesh}}
  goes to       10%  web with version=v2: 1 member
                85%  web with version=v1: 2 members
                 5%  api: 0 members
  timeouts    web: connect 1s, idle 2m, queue 5s, request 1500ms
  retries     web: none
  timeouts    api: connect 1s, idle 2m, queue 5s
  retries     api: 2 on connect_failure; GET is not sent a second time: only what never reached a member is tried again
`);
});

test('try of a request that no route takes says whether it is sent again', async () => {
  expect(await tried('/other')).toContain(
    '2 on connect_failure, 503; GET may be sent again, while retries are at most 10% of requests or 3/s',
  );
  expect(await tried('POST /other')).toContain('POST is not sent a second time');
  expect(await tried('GET /gone')).toContain('  answer      410, without any member\n');
});

describe('a request is read', () => {
  test.each([
    ['/a', { method: 'GET', url: '/a', headers: [] }],
    ['POST  /a?b=c  X-A:1', { method: 'POST', url: '/a?b=c', headers: [['x-a', '1']] }],
    [
      'GET / x-a:"b c" host:web:80',
      {
        method: 'GET',
        url: '/',
        headers: [
          ['x-a', 'b c'],
          ['host', 'web:80'],
        ],
      },
    ],
    ["GET / 'x-a: b c'", { method: 'GET', url: '/', headers: [['x-a', 'b c']] }],
  ])('%s', (text, request) => {
    expect(parseRequest(text)).toEqual(request);
  });

  test.each([
    ['get /', '"get" is no method in upper case'],
    ['GET', '"" is no path from / on'],
    ['GET a', '"a" is no path from / on'],
    ['GET /a#b', '"/a#b" is no path from / on'],
    ['GET / x-a', '"x-a" is no header as name:value'],
    ['', '"" is no method in upper case'],
  ])('but not %j', (text, reason) => {
    expect(() => parseRequest(text)).toThrow(`cannot read the request: ${reason}`);
  });
});
