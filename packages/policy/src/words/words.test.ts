import { ConfigError, parseSource, validate } from '@smartstack/daemon';
import { describe, expect, test } from 'vitest';
import { type Policy, policySchema } from './policy.ts';
import { written } from './written.ts';

const read = (yaml: string): Policy =>
  validate(policySchema, parseSource('p.yaml', yaml), { strict: true });

function problemsOf(yaml: string): readonly string[] {
  try {
    read(yaml);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('was accepted');
}

describe('a word is read', () => {
  test.each([
    [
      'timeouts: {connect: 250ms, request: 5s, per_try: 1, idle: 1m, queue: 0.5}',
      {
        timeouts: { connect: 250, request: 5000, per_try: 1000, idle: 60_000, queue: 500 },
      },
    ],
    [
      'retries: {attempts: 0, on: [connect_failure, timeout, 503], budget: 0.1%}',
      {
        retries: { attempts: 0, on: ['connect_failure', 'timeout', 503], budget: 0.001 },
      },
    ],
    ['hedge: {after: 200ms}', { hedge: { after: 200 } }],
    ['balance: {ring_hash: {header: X-User}}', { balance: { ring_hash: { header: 'x-user' } } }],
    ['balance: {maglev: source}', { balance: { maglev: 'source' } }],
    ['outlier_ejection: false', { outlier_ejection: false }],
    [
      'outlier_ejection: {errors: 5, eject_for: 30s, max_share: 100%}',
      {
        outlier_ejection: { errors: 5, eject_for: 30_000, max_share: 1 },
      },
    ],
    ['limits: {pending: 0, per_member: 1}', { limits: { pending: 0, per_member: 1 } }],
    ['routes: [{to: {service: other}}]', { routes: [{ to: [{ service: 'other', weight: 1 }] }] }],
    [
      'routes: [{to: [{subset: {version: 2, canary: true}, weight: 0}]}]',
      {
        routes: [{ to: [{ subset: { version: '2', canary: 'true' }, weight: 0 }] }],
      },
    ],
    [
      'routes: [{match: {headers: {X-Canary: "true"}}, fault: {abort: {status: 503}}}]',
      {
        routes: [
          {
            match: { headers: { 'x-canary': 'true' } },
            fault: { abort: { status: 503, share: 1 } },
          },
        ],
      },
    ],
    [
      'routes: [{rate_limit: {requests: 5}}]',
      {
        routes: [{ rate_limit: { requests: 5, per: 1000, burst: 0 } }],
      },
    ],
    ['access_log: {format: "%ci %ST"}', { access_log: { format: '%ci %ST' } }],
    [
      'slo: {availability: 99.9%, latency: {p99: 300ms}}',
      {
        slo: { availability: 0.9990000000000001, latency: { p99: 300 } },
      },
    ],
  ])('%s', (yaml, policy) => {
    const parsed = read(yaml);
    expect(JSON.parse(JSON.stringify(parsed))).toEqual(policy);
    expect(read(JSON.stringify(written(parsed)))).toEqual(parsed);
  });
});

describe('a bad word is refused at its place', () => {
  test.each([
    ['timeouts: {conect: 1s}', 'p.yaml:1:12: timeouts.conect: unknown key; did you mean connect?'],
    [
      'timeouts: {connect: fast}',
      'p.yaml:1:12: timeouts.connect: expected a number of seconds, got "fast"',
    ],
    [
      'timeouts: {connect: 0}',
      'p.yaml:1:12: timeouts.connect: expected a time from 1ms to 1d, got 0',
    ],
    [
      'timeouts: {per_try: 2d}',
      'p.yaml:1:12: timeouts.per_try: expected a time from 1ms to 1d, got "2d"',
    ],
    ['timeouts: 5s', 'p.yaml:1:1: timeouts: expected a mapping, got "5s"'],
    [
      'retries: {attempts: 11}',
      'p.yaml:1:11: retries.attempts: expected a number of at most 10, got 11',
    ],
    ['retries: {attempts: 1.5}', 'p.yaml:1:11: retries.attempts: expected a whole number, got 1.5'],
    ['retries: {on: []}', 'p.yaml:1:11: retries.on: expected at least 1 items, got []'],
    [
      'retries: {on: [reset, 418]}',
      'p.yaml:1:23: retries.on[1]: expected one of connect_failure, reset, timeout, 401, 403, 404, 408, 425, 429, 500, 501, 502, 503, 504, got 418',
    ],
    ['retries: {on: reset}', 'p.yaml:1:11: retries.on: expected a list, got "reset"'],
    [
      'retries: {methods: [get]}',
      'p.yaml:1:21: retries.methods[0]: expected a method in upper case, such as GET, got "get"',
    ],
    ['retries: {budget: 20}', 'p.yaml:1:11: retries.budget: expected a share such as 20%, got 20'],
    [
      'retries: {budget: 101%}',
      'p.yaml:1:11: retries.budget: expected a share of at most 100%, got "101%"',
    ],
    [
      'retries: {budget: 1.23456%}',
      'p.yaml:1:11: retries.budget: expected a share such as 20%, got "1.23456%"',
    ],
    ['hedge: {}', 'p.yaml:1:1: hedge.after: missing; expected a number or text'],
    ['hedge: {after: 0ms}', 'p.yaml:1:9: hedge.after: expected a time from 1ms to 1d, got "0ms"'],
    [
      'balance: fastest',
      'p.yaml:1:1: balance: expected round_robin, least_request, random, {ring_hash: KEY} or {maglev: KEY}, where KEY is {header: NAME}, {cookie: NAME} or source, got "fastest"',
    ],
    [
      'balance: {ring_hash: {header: x y}}',
      'p.yaml:1:23: balance.ring_hash.header: expected a header name of letters, digits, - and _, such as x-user, got "x y"',
    ],
    [
      'balance: {maglev: {header: a, cookie: b}}',
      'p.yaml:1:1: balance: expected round_robin, least_request, random, {ring_hash: KEY} or {maglev: KEY}, where KEY is {header: NAME}, {cookie: NAME} or source, got {"maglev":{"header":"a","cookie":"b"}}',
    ],
    [
      'outlier_ejection: true',
      'p.yaml:1:1: outlier_ejection: expected false or a mapping, got true',
    ],
    [
      'outlier_ejection: {errors: 0}',
      'p.yaml:1:20: outlier_ejection.errors: expected a number of at least 1, got 0',
    ],
    [
      'outlier_ejection: {erors: 1}',
      'p.yaml:1:20: outlier_ejection.erors: unknown key; did you mean errors?',
    ],
    [
      'outlier_ejection: {eject_for: 50ms}',
      'p.yaml:1:20: outlier_ejection.eject_for: expected a time from 100ms to 1d, got "50ms"',
    ],
    [
      'outlier_ejection: {max_share: half}',
      'p.yaml:1:20: outlier_ejection.max_share: expected a share such as 20%, got "half"',
    ],
    [
      'limits: {connections: 0}',
      'p.yaml:1:10: limits.connections: expected a number of at least 1, got 0',
    ],
    [
      'limits: {pending: -1}',
      'p.yaml:1:10: limits.pending: expected a number of at least 0, got -1',
    ],
    [
      'limits: {per_member: 1000001}',
      'p.yaml:1:10: limits.per_member: expected a number of at most 1000000, got 1000001',
    ],
    ['slow_start: 10ms', 'p.yaml:1:1: slow_start: expected a time from 100ms to 1d, got "10ms"'],
    ['panic: 0.5', 'p.yaml:1:1: panic: expected a share such as 20%, got 0.5'],
    ['routes: {}', 'p.yaml:1:1: routes: expected a list, got {}'],
    [
      'routes: [{name: a b}]',
      'p.yaml:1:11: routes[0].name: expected up to 32 letters, digits, - and _, got "a b"',
    ],
    [
      'routes: [{matsh: {path: /a}}]',
      'p.yaml:1:11: routes[0].matsh: unknown key; did you mean match?',
    ],
    [
      'routes: [{match: {path: v2}}]',
      'p.yaml:1:19: routes[0].match.path: expected a path that begins with /, of the characters that a URL has there, got "v2"',
    ],
    [
      'routes: [{match: {path_prefix: "/a b"}}]',
      'p.yaml:1:19: routes[0].match.path_prefix: expected a path that begins with /, of the characters that a URL has there, got "/a b"',
    ],
    [
      'routes: [{match: {path: "/a?b"}}]',
      'p.yaml:1:19: routes[0].match.path: expected a path that begins with /, of the characters that a URL has there, got "/a?b"',
    ],
    [
      'routes: [{match: {headers: {"x y": a}}}]',
      'p.yaml:1:29: routes[0].match.headers.x y: expected a header name of letters, digits, - and _, such as x-user, got "x y"',
    ],
    [
      'routes: [{match: {headers: {x: ""}}}]',
      'p.yaml:1:29: routes[0].match.headers.x: expected at least 1 characters, got ""',
    ],
    [
      'routes: [{match: {headers: {x: "a\\nb"}}}]',
      'p.yaml:1:29: routes[0].match.headers.x: expected text without control characters, got "a\\nb"',
    ],
    [
      'routes: [{match: {methods: []}}]',
      'p.yaml:1:19: routes[0].match.methods: expected at least 1 items, got []',
    ],
    [
      'routes: [{match: {query: {"a b": c}}}]',
      'p.yaml:1:27: routes[0].match.query.a b: expected a name of letters, digits and _.~-, got "a b"',
    ],
    [
      'routes: [{match: {query: {a: ""}}}]',
      'p.yaml:1:27: routes[0].match.query.a: expected at least 1 characters, got ""',
    ],
    ['routes: [{to: []}]', 'p.yaml:1:11: routes[0].to: expected at least 1 items, got []'],
    [
      'routes: [{to: {weight: -1}}]',
      'p.yaml:1:16: routes[0].to.weight: expected a number of at least 0, got -1',
    ],
    [
      'routes: [{to: [{weight: -1}]}]',
      'p.yaml:1:17: routes[0].to[0].weight: expected a number of at least 0, got -1',
    ],
    [
      'routes: [{to: {servce: a}}]',
      'p.yaml:1:16: routes[0].to.servce: unknown key; did you mean service?',
    ],
    [
      'routes: [{timeouts: {idle: 1s}}]',
      'p.yaml:1:22: routes[0].timeouts.idle: unknown key; known here: per_try, request',
    ],
    [
      'routes: [{retries: {budget: 10%}}]',
      'p.yaml:1:21: routes[0].retries.budget: unknown key; known here: attempts, back_off, methods, on',
    ],
    [
      'routes: [{rewrite: {host: "a b"}}]',
      'p.yaml:1:21: routes[0].rewrite.host: expected a host name, got "a b"',
    ],
    [
      'routes: [{headers: {request: {set: {x: "a\\rb"}}}}]',
      'p.yaml:1:37: routes[0].headers.request.set.x: expected text without control characters, got "a\\rb"',
    ],
    [
      'routes: [{mirror: {share: 1%}}]',
      'p.yaml:1:11: routes[0].mirror.to: missing; expected a mapping',
    ],
    [
      'routes: [{fault: {delay: {share: 1%}}}]',
      'p.yaml:1:19: routes[0].fault.delay.time: missing; expected a number or text',
    ],
    [
      'routes: [{fault: {abort: {status: 200}}}]',
      'p.yaml:1:27: routes[0].fault.abort.status: expected a number of at least 400, got 200',
    ],
    [
      'routes: [{rate_limit: {per: 1s}}]',
      'p.yaml:1:11: routes[0].rate_limit.requests: missing; expected a number',
    ],
    [
      'routes: [{rate_limit: {requests: 1, per: 2h}}]',
      'p.yaml:1:37: routes[0].rate_limit.per: expected a time of at most 1h, got "2h"',
    ],
    [
      'routes: [{rate_limit: {requests: 1, by: host}}]',
      'p.yaml:1:37: routes[0].rate_limit.by: expected {header: NAME}, {cookie: NAME} or source, got "host"',
    ],
    [
      'routes: [{respond: {status: 100}}]',
      'p.yaml:1:21: routes[0].respond.status: expected a number of at least 200, got 100',
    ],
    [
      'routes: [{respond: {status: 200, body: "a\\0b"}}]',
      'p.yaml:1:34: routes[0].respond.body: expected text without NUL characters, got "a\\u0000b"',
    ],
    [
      'routes: [{redirect: {status: 304}}]',
      'p.yaml:1:22: routes[0].redirect.status: expected one of 301, 302, 303, 307, 308, got 304',
    ],
    [
      'routes: [{redirect: {scheme: ftp, host: a}}]',
      'p.yaml:1:22: routes[0].redirect.scheme: expected one of http, https, got "ftp"',
    ],
    [
      'routes: [{redirect: {host: "a b"}}]',
      'p.yaml:1:22: routes[0].redirect.host: expected a host name, got "a b"',
    ],
    [
      'access_log: xml',
      'p.yaml:1:1: access_log: expected json, text, off or {format: …} in the proxy’s own language, got "xml"',
    ],
    [
      'access_log: {format: ""}',
      'p.yaml:1:14: access_log.format: expected at least 1 characters, got ""',
    ],
    ['request_id: please', 'p.yaml:1:1: request_id: expected true or false, got "please"'],
    ['trace: jaeger', 'p.yaml:1:1: trace: expected one of w3c, b3, off, got "jaeger"'],
    [
      'slo: {availability: 100%}',
      'p.yaml:1:7: slo.availability: expected a share from 50% to 99.9999%, got "100%"',
    ],
    ['slo: {latency: {p90: 1s}}', 'p.yaml:1:17: slo.latency.p90: unknown key; did you mean p50?'],
    ['retires: {}', 'p.yaml:1:1: retires: unknown key; did you mean retries?'],
  ])('%s', (yaml, problem) => {
    expect(problemsOf(yaml)).toEqual([problem]);
  });
});
