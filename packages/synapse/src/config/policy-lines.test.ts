import { describe, expect, test } from 'vitest';

import { loadText, problemsOf } from './policy.fixture.ts';

const other = (name: string, keys: string) => `  ${name}: {discovery: {method: base}, ${keys}}\n`;
const web = (policy: string, more = 'protocol: http') =>
  `services:\n  web:\n    discovery: {method: base}\n    port: 80\n    ${more}\n    policy: ${policy}\n`;
const raw = (policy: string, section: string) =>
  web(policy, `protocol: http\n    haproxy: {${section}}`);

describe('raw lines that set a word of the service’s own policy otherwise are an error with both places', () => {
  test.each([
    [
      'raw timeout',
      raw('{timeouts: {per_try: 1s}}', 'listen: [timeout server 30s]'),
      [
        'synapse.yaml:7:25: services.web.policy.timeouts.per_try: is 1s here, and services.web.haproxy.listen says `timeout server 30s`; keep one of them',
      ],
    ],
    [
      'raw timeout of request',
      raw('{timeouts: {request: 3s}}', 'backend: [timeout server 30s]'),
      [
        'synapse.yaml:7:25: services.web.policy.timeouts.request: is 3s here, and services.web.haproxy.backend says `timeout server 30s`; keep one of them',
      ],
    ],
    [
      'raw client',
      raw('{timeouts: {idle: 1m}}', 'frontend: [timeout client 30s]'),
      [
        'synapse.yaml:7:25: services.web.policy.timeouts.idle: is 1m here, and services.web.haproxy.frontend says `timeout client 30s`; keep one of them',
      ],
    ],
    [
      'raw connect',
      raw('{timeouts: {connect: 1s}}', 'listen: [timeout connect 500]'),
      [
        'synapse.yaml:7:25: services.web.policy.timeouts.connect: is 1s here, and services.web.haproxy.listen says `timeout connect 500`; keep one of them',
      ],
    ],
    [
      'raw queue',
      raw('{timeouts: {queue: 1s}}', 'listen: [timeout queue 500]'),
      [
        'synapse.yaml:7:25: services.web.policy.timeouts.queue: is 1s here, and services.web.haproxy.listen says `timeout queue 500`; keep one of them',
      ],
    ],
    [
      'raw balance',
      raw('{balance: random}', 'listen: [balance leastconn]'),
      [
        'synapse.yaml:7:14: services.web.policy.balance: is random here, and services.web.haproxy.listen says `balance leastconn`; keep one of them',
      ],
    ],
    [
      'raw hash',
      raw('{balance: {ring_hash: source}}', 'listen: [hash-type map-based]'),
      [
        'synapse.yaml:7:14: services.web.policy.balance: is {ring_hash: source} here, and services.web.haproxy.listen says `hash-type map-based`; keep one of them',
      ],
    ],
    [
      'raw retries',
      raw('{retries: {attempts: 2}}', 'listen: [retries 5]'),
      [
        'synapse.yaml:7:24: services.web.policy.retries.attempts: is 2 here, and services.web.haproxy.listen says `retries 5`; keep one of them',
      ],
    ],
    [
      'raw retry-on',
      raw('{retries: {on: [503]}}', 'listen: [retry-on all-retryable-errors]'),
      [
        'synapse.yaml:7:24: services.web.policy.retries.on: is [503] here, and services.web.haproxy.listen says `retry-on all-retryable-errors`; keep one of them',
      ],
    ],
    [
      'raw log',
      raw('{access_log: json}', 'listen: [option httplog]'),
      [
        'synapse.yaml:7:14: services.web.policy.access_log: is json here, and services.web.haproxy.listen says `option httplog`; keep one of them',
      ],
    ],
    [
      'raw check',
      raw('{outlier_ejection: {errors: 3}}', 'server_options: check inter 2s'),
      [
        'synapse.yaml:7:33: services.web.policy.outlier_ejection.errors: makes `inter 600s` of its servers, and services.web.haproxy.server_options says `inter 2s`; keep one of them',
      ],
    ],
    [
      'raw no-check',
      raw('{outlier_ejection: {errors: 3}}', 'server_options: no-check'),
      [
        'synapse.yaml:7:33: services.web.policy.outlier_ejection.errors: makes `check` of its servers, and services.web.haproxy.server_options says `no-check`; keep one of them',
      ],
    ],
    [
      'raw observe',
      raw('{outlier_ejection: false}', 'server_options: check observe layer7'),
      [
        'synapse.yaml:7:14: services.web.policy.outlier_ejection: is false here, and services.web.haproxy.server_options says `observe layer7`; keep one of them',
      ],
    ],
    [
      'raw maxconn',
      raw('{limits: {per_member: 50}}', 'server_options: maxconn 10'),
      [
        'synapse.yaml:7:23: services.web.policy.limits.per_member: is 50 here, and services.web.haproxy.server_options says `maxconn 10`; keep one of them',
      ],
    ],
    [
      'default-server',
      raw('{limits: {per_member: 50}}', 'listen: [default-server maxconn 10]'),
      [
        'synapse.yaml:7:23: services.web.policy.limits.per_member: is 50 here, and services.web.haproxy.listen says `maxconn 10`; keep one of them',
      ],
    ],
    [
      'raw slowstart',
      raw('{slow_start: 30s}', 'server_options: slowstart 10s'),
      [
        'synapse.yaml:7:14: services.web.policy.slow_start: is 30s here, and services.web.haproxy.server_options says `slowstart 10s`; keep one of them',
      ],
    ],
    [
      'use_backend',
      raw('{routes: [{match: {path: /a}}]}', 'listen: ["use_backend b if { path /b }"]'),
      [
        'synapse.yaml:7:14: services.web.policy.routes: choose a backend, and services.web.haproxy.listen says `use_backend b if { path /b }`; keep one of them',
      ],
    ],
    [
      'sc0',
      raw('{timeouts: {connect: 1s}}', 'listen: [http-request track-sc0 src]'),
      [
        "synapse.yaml:7:5: services.web.policy: its traffic needs HAProxy's counter 0, and services.web.haproxy.listen takes it: `http-request track-sc0 src`; remove that line, or this",
      ],
    ],
    [
      'sc1',
      raw('{routes: [{match: {path: /a}}]}', 'listen: [tcp-request connection track-sc1 src]'),
      [
        "synapse.yaml:7:14: services.web.policy.routes: needs HAProxy's counter 1, and services.web.haproxy.listen takes it: `tcp-request connection track-sc1 src`; remove that line, or this",
      ],
    ],
    [
      'sc2',
      raw(
        '{routes: [{match: {path: /b}}, {match: {path: /a}, rate_limit: {requests: 1}}]}',
        'listen: [http-request track-sc2 src]',
      ),
      [
        "synapse.yaml:7:64: services.web.policy.routes[1].rate_limit: needs HAProxy's counter 2, and services.web.haproxy.listen takes it: `http-request track-sc2 src`; remove that line, or this",
      ],
    ],
  ])('%s', async (_, yaml, problems) => {
    expect(await problemsOf(yaml)).toEqual(problems);
  });
});

describe('raw lines stand beside a policy', () => {
  test.each([
    ['that say the same', raw('{timeouts: {per_try: 1s}}', 'listen: [timeout server 1000]')],
    ['that set what it leaves out', raw('{timeouts: {per_try: 1s}}', 'listen: [retries 5]')],
    [
      'where the word is of the defaults',
      `defaults:\n  policy: {balance: random}\n${raw('{}', 'listen: [balance leastconn]')}`,
    ],
    [
      'that choose a backend where no route does',
      raw('{slow_start: 1s}', 'listen: ["use_backend b if { path /b }"]'),
    ],
    [
      'that count where nothing of it does',
      raw('{slow_start: 1s}', 'listen: [http-request track-sc2 src]'),
    ],
    [
      'that check where nothing is ejected',
      raw('{outlier_ejection: false}', 'server_options: check inter 2s'),
    ],
  ])('%s', async (_, yaml) => {
    await loadText(yaml);
  });
});

describe('a name that synapse makes is nobody else’s', () => {
  test.each([
    [
      'name of subset',
      `${web('{routes: [{to: {subset: {v: 2}}}]}')}${other('web.v-2', 'port: 81')}`,
      ["synapse.yaml:7:3: services.web.v-2: is what routes name web's members with v=2"],
    ],
    [
      'backend of subset',
      `${web('{routes: [{to: {subset: {v: 2}}}]}')}${other('other', 'haproxy: {backend_name: web.v-2}')}`,
      [
        "synapse.yaml:7:48: services.other.haproxy.backend_name: is what routes name web's members with v=2",
      ],
    ],
    [
      'panic',
      `${web('{}')}${other('web.all', 'haproxy: {}')}`,
      [
        "synapse.yaml:7:3: services.web.all: is what web's policy names its members where too many are ejected",
      ],
    ],
    [
      'limit',
      `${web('{routes: [{name: a, rate_limit: {requests: 1}}]}')}${other('web.limit-a', 'haproxy: {}')}`,
      [
        "synapse.yaml:7:3: services.web.limit-a: is what web's policy names the table of a rate limit",
      ],
    ],
    [
      'variant',
      `${web('{routes: [{name: a, retries: {attempts: 0}}]}')}${other('web.route-a', 'haproxy: {}')}`,
      [
        "synapse.yaml:7:3: services.web.route-a: is what web's policy names the members of a route with retries of its own",
      ],
    ],
    [
      'traffic',
      `${web('{}')}${other('synapse-traffic', 'haproxy: {}')}`,
      [
        'synapse.yaml:7:3: services.synapse-traffic: is what synapse names the table that it counts traffic in',
      ],
    ],
  ])('%s', async (_, yaml, problems) => {
    expect(await problemsOf(yaml)).toEqual(problems);
  });
});
