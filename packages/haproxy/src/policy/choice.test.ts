import type { Policy } from '@smartstack/policy';
import { expect, test } from 'vitest';

import { backendChoice, splitLines } from './choice.ts';
import { backendLines } from './recovery.ts';
import { valuesOf } from './values.ts';

const map = '/run/synapse/haproxy.cfg.policy.map';

function split(...weights: readonly number[]) {
  const policy: Policy = { routes: [{ name: 'main', to: weights.map((weight) => ({ weight })) }] };
  const targets = weights.map((weight, index) => ({
    weight,
    candidates: [{ backend: `web.v${index + 1}` }],
  }));
  const front = { routes: [{ targets, fallback: [{ backend: 'web' }] }], rest: [], backends: [] };
  const input = { service: 'web', policy, front, map };
  return {
    lines: [...splitLines(input), ...backendChoice(input)],
    values: valuesOf({
      service: 'web',
      protocol: 'http',
      policy,
      builtIn: [],
      isPanic: false,
      front,
    }),
  };
}

test('other weights are other values of the map and the same lines', () => {
  const { lines } = split(90, 10);
  for (const weights of [
    [10, 90],
    [100, 0],
    [0, 100],
  ])
    expect(split(...weights).lines).toEqual(lines);
  expect(split(1, 0, 3).values).toEqual({ 'web/main/split': '101:250000:250000' });
});

test('where a target has nobody those stand in that have a weight, then the others', () => {
  const { lines } = split(90, 10);
  expect(lines.filter((line) => line.startsWith('use_backend'))).toEqual([
    'use_backend web.v1 if synapse_route_main { var(txn.synapse_target) -m int 1 } { nbsrv(web.v1) gt 0 }',
    'use_backend web.v2 if synapse_route_main { var(txn.synapse_target) -m int 2 } { nbsrv(web.v2) gt 0 }',
    'use_backend web.v1 if synapse_route_main { var(txn.synapse_split),bytes(0,1) -m str 1 } { nbsrv(web.v1) gt 0 }',
    'use_backend web.v2 if synapse_route_main { var(txn.synapse_split),bytes(1,1) -m str 1 } { nbsrv(web.v2) gt 0 }',
    'use_backend web.v1 if synapse_route_main { nbsrv(web.v1) gt 0 }',
    'use_backend web.v2 if synapse_route_main { nbsrv(web.v2) gt 0 }',
    'use_backend web if synapse_route_main { nbsrv(web) gt 0 }',
    'use_backend web if synapse_route_main',
  ]);
});

test('what is for a service that is not proxied is refused, and not sent to the own members', () => {
  const policy: Policy = { routes: [{ name: 'away', to: [{ service: 'other', weight: 1 }] }] };
  const front = {
    routes: [{ targets: [{ weight: 1, candidates: [] }], fallback: [] }],
    rest: [{ backend: 'web' }],
    backends: ['web'],
  };
  expect(splitLines({ service: 'web', policy, front, map })).toEqual([
    'http-request deny status 503 if synapse_route_away',
  ]);
});

test('a failure takes as much of the budget as it had retries', () => {
  const of = (attempts: number) => {
    const policy: Policy = { retries: { attempts, on: [503], methods: ['GET'], budget: 0.2 } };
    const traffic = {
      service: 'web',
      protocol: 'http',
      policy,
      builtIn: [],
      isPanic: false,
    } as const;
    return backendLines(traffic, 'web').slice(-3);
  };
  expect(of(3)).toEqual([
    'http-request set-var(txn.synapse_failed) sc_http_fail_rate(0),mul(3000)',
    'http-request set-var(txn.synapse_allowed) sc_http_req_rate(0),mul(200),sub(txn.synapse_failed)',
    'http-request disable-l7-retry if { sc_http_fail_rate(0) ge 10 } { var(txn.synapse_allowed) -m int lt 0 }',
  ]);
  expect(of(0).join()).not.toContain('sc_http_fail_rate');
});

test("a route's times are not those of another service's route of that name", () => {
  const policy: Policy = { routes: [{ name: 'slow', timeouts: { per_try: 2000 } }] };
  const traffic = {
    service: 'web',
    protocol: 'http',
    policy,
    builtIn: [],
    isPanic: false,
  } as const;
  expect(backendLines(traffic, 'web')).toContain(
    'http-request set-timeout server 2s if { var(txn.synapse_key) -m str -- web/slow }',
  );
});
