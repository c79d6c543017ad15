import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { type Protocol, policySchema } from '../words/policy.ts';
import { policyProblems } from './check.ts';

function problemsOf(yaml: string, protocol: Protocol = 'http'): readonly string[] {
  const services = new Set(['web', 'api']);
  return policyProblems(policySchema.parse(parse(yaml)), {
    service: 'web',
    protocol,
    services,
  }).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const shadow =
  'can never match: routes[0] takes all of its requests before; put it first, or match less there';

describe('words that do not go together are a problem of the word that says it', () => {
  test.each([
    [
      'tries that take longer than the request',
      '{timeouts: {request: 2s, per_try: 1s}, retries: {attempts: 2}}',
      "timeouts.per_try: 3 tries (retries.attempts 2) of 1s take 3s, more than the request's 2s; lower per_try or attempts, or raise request",
    ],
    [
      'the same of a route that has another time',
      '{timeouts: {per_try: 1s}, retries: {attempts: 2}, routes: [{timeouts: {request: 2s}}]}',
      "routes.0.timeouts.request: 3 tries (retries.attempts 2) of 1s take 3s, more than the request's 2s; lower per_try or attempts, or raise request",
    ],
    [
      'two routes of one name',
      '{routes: [{name: a, match: {path: /a}}, {name: a, match: {path: /b}}]}',
      'routes.1.name: is the name of routes[0] too',
    ],
    [
      'a route by the number of another',
      '{routes: [{name: "1", match: {path: /a}}, {match: {path: /b}}]}',
      'routes.1.name: is the name of routes[0] too',
    ],
    [
      'a route behind one for all',
      '{routes: [{}, {match: {path: /a}}]}',
      `routes.1.match: ${shadow}`,
    ],
    [
      'a route behind a shorter prefix',
      '{routes: [{match: {path_prefix: /a}}, {match: {path_prefix: /a/b, methods: [GET]}}]}',
      `routes.1.match: ${shadow}`,
    ],
    [
      'a route behind one with fewer headers',
      '{routes: [{match: {headers: {x: "1"}}}, {match: {headers: {x: "1", y: "2"}}}]}',
      `routes.1.match: ${shadow}`,
    ],
    [
      'a route behind one with more methods',
      '{routes: [{match: {methods: [GET, POST]}}, {match: {methods: [GET]}}]}',
      `routes.1.match: ${shadow}`,
    ],
    [
      'a path that is not below its own prefix',
      '{routes: [{match: {path: /b, path_prefix: /a}}]}',
      'routes.0.match: can never match: the path /b is not below /a',
    ],
    [
      'two answers',
      '{routes: [{respond: {status: 200}, redirect: {host: a}}]}',
      'routes.0.respond: give only one of respond and redirect: a request has one answer',
    ],
    [
      'a prefix that replaces nothing',
      '{routes: [{rewrite: {path_prefix: /}}]}',
      'routes.0.rewrite.path_prefix: needs a match.path_prefix or match.path that it replaces',
    ],
    [
      'a redirect to itself',
      '{routes: [{redirect: {status: 302}}]}',
      'routes.0.redirect: would lead to itself: give a host or a path',
    ],
    [
      'an unknown service',
      '{routes: [{to: {service: wbe}}]}',
      'routes.0.to.0.service: no service wbe is followed here; add it to services',
    ],
    [
      'the same target twice',
      '{routes: [{to: [{subset: {a: 1, b: 2}}, {subset: {b: 2, a: 1}, service: web}]}]}',
      'routes.0.to.1: is the same as one before it; give one of them both weights',
    ],
    [
      'weights that are all 0',
      '{routes: [{to: [{subset: {a: 1}, weight: 0}, {service: api, weight: 0}]}]}',
      'routes.0.to: all weights are 0: no request could go anywhere',
    ],
    [
      'a header that is the proxy’s',
      '{routes: [{headers: {request: {set: {Host: a}}}}]}',
      'routes.0.headers.request.set: host cannot be changed: use rewrite.host',
    ],
    [
      'a mirror to nobody',
      '{routes: [{mirror: {to: {service: shadow}}}]}',
      'routes.0.mirror.to: no service shadow is followed here; add it to services',
    ],
  ])('%s', (_, yaml, problem) => {
    expect(problemsOf(yaml)).toEqual([problem]);
  });
});

test.each([
  '{timeouts: {request: 3s, per_try: 1s}, retries: {attempts: 2}}',
  '{timeouts: {per_try: 1s}, retries: {attempts: 10}}',
  '{routes: [{match: {path: /a}}, {match: {path_prefix: /a}}, {}]}',
  '{routes: [{match: {path_prefix: /a}}, {match: {path_prefix: /ab}}]}',
  '{routes: [{match: {path: /a, methods: [GET]}}, {match: {path: /a}}]}',
  '{routes: [{match: {path: /a/b, path_prefix: /a/}}]}',
  '{routes: [{match: {path: /a}, rewrite: {path_prefix: /b}}]}',
  '{routes: [{to: [{subset: {a: 1}, weight: 0}, {service: api}]}]}',
])('%s is good', (yaml) => {
  expect(problemsOf(yaml)).toEqual([]);
});

describe('words of requests are none for connections', () => {
  const needs = 'needs `protocol: http`; this service is tcp';
  test.each([
    ['{timeouts: {request: 1s}}', `timeouts.request: ${needs}`],
    ['{timeouts: {per_try: 1s}}', `timeouts.per_try: ${needs}`],
    ['{retries: {methods: [GET]}}', `retries.methods: ${needs}`],
    ['{retries: {budget: 20%}}', `retries.budget: ${needs}`],
    [
      '{retries: {on: [reset]}}',
      'retries.on: only connect_failure can be tried again without `protocol: http`',
    ],
    ['{hedge: {after: 1s}}', `hedge.after: ${needs}`],
    ['{balance: {maglev: {cookie: a}}}', `balance: a header or a cookie ${needs}`],
    ['{routes: []}', `routes: ${needs}`],
    ['{request_id: true}', `request_id: ${needs}`],
    ['{trace: w3c}', `trace: ${needs}`],
    ['{slo: {latency: {p99: 1s}}}', `slo.latency: ${needs}`],
  ])('%s', (yaml, problem) => {
    expect(problemsOf(yaml, 'tcp')).toEqual([problem]);
    expect(problemsOf(yaml, 'grpc')).toEqual([]);
  });
});
