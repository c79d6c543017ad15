import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { ServiceConfig, SynapseConfig } from './config.ts';
import { explain } from './explain.ts';
import { loadText, problemsOf } from './policy.fixture.ts';
import { policyOf } from './policy.ts';

const other = (name: string, keys: string) => `  ${name}: {discovery: {method: base}, ${keys}}\n`;
const web = (policy: string, more = 'protocol: http') =>
  `services:\n  web:\n    discovery: {method: base}\n    port: 80\n    ${more}\n    policy: ${policy}\n`;

describe('neutral keys and a proxy’s lines that say another thing are an error with both places', () => {
  test.each([
    [
      'another port',
      `services:\n${other('web', 'port: 80, haproxy: {port: 81}')}`,
      [
        'synapse.yaml:2:36: services.web.port: is 80 here and 81 at services.web.haproxy.port; keep one of them',
      ],
    ],
    [
      'another address',
      `services:\n${other('web', 'bind_address: 127.0.0.1, haproxy: {port: 1, bind_address: 0.0.0.0}')}`,
      [
        'synapse.yaml:2:36: services.web.bind_address: is 127.0.0.1 here and 0.0.0.0 at services.web.haproxy.bind_address; keep one of them',
      ],
    ],
    [
      'lines of tcp under http',
      `services:\n${other('web', 'port: 80, protocol: http, haproxy: {listen: [mode tcp]}')}`,
      [
        'synapse.yaml:2:46: services.web.protocol: is http, and the lines of services.web.haproxy say mode tcp; keep one of them',
      ],
    ],
    [
      'lines of http under tcp',
      `services:\n${other('web', 'port: 80, protocol: tcp, haproxy: {listen: [mode http]}')}`,
      [
        'synapse.yaml:2:46: services.web.protocol: is tcp, and the lines of services.web.haproxy say mode http; keep one of them',
      ],
    ],
  ])('%s', async (_, yaml, problems) => {
    expect(await problemsOf(yaml)).toEqual(problems);
  });
});

describe('words that are wrong have their place', () => {
  test.each([
    [
      'an unknown word',
      web('{timeouts: {conect: 1s}}'),
      [
        'synapse.yaml:6:25: services.web.policy.timeouts.conect: unknown key; did you mean connect?',
      ],
    ],
    [
      'tries that take too long',
      web('{timeouts: {request: 1s, per_try: 500ms}, retries: {attempts: 2}}'),
      [
        "synapse.yaml:6:38: services.web.policy.timeouts.per_try: 3 tries (retries.attempts 2) of 500ms take 1500ms, more than the request's 1s; lower per_try or attempts, or raise request",
      ],
    ],
    [
      'a route to an unknown service',
      web('{routes: [{match: {path: /a}, to: {service: api}}]}'),
      [
        'synapse.yaml:6:43: services.web.policy.routes[0].to[0].service: no service api is followed here; add it to services',
      ],
    ],
    [
      'a route that can never match',
      web('{routes: [{}, {match: {path: /a}}]}'),
      [
        'synapse.yaml:6:28: services.web.policy.routes[1].match: can never match: routes[0] takes all of its requests before; put it first, or match less there',
      ],
    ],
    [
      'weights that are all 0',
      web('{routes: [{to: [{subset: {a: 1}, weight: 0}]}]}'),
      [
        'synapse.yaml:6:24: services.web.policy.routes[0].to: all weights are 0: no request could go anywhere',
      ],
    ],
    [
      'words of requests under tcp',
      web('{timeouts: {per_try: 1s}, trace: w3c}', 'protocol: tcp'),
      [
        'synapse.yaml:6:25: services.web.policy.timeouts.per_try: needs `protocol: http`; this service is tcp',
        'synapse.yaml:6:39: services.web.policy.trace: needs `protocol: http`; this service is tcp',
      ],
    ],
    [
      'a word that the proxy cannot do',
      web('{hedge: {after: 1s}}'),
      [
        'synapse.yaml:6:14: services.web.policy.hedge: haproxy cannot do this: it sends a request to one member at a time; these can: envoy',
      ],
    ],
    [
      'a word of the defaults that is wrong',
      `defaults:\n  policy: {slow_start: 1ms}\n${web('{}')}`,
      [
        'synapse.yaml:2:12: defaults.policy.slow_start: expected a time from 100ms to 1d, got "1ms"',
      ],
    ],
    [
      'a word of the defaults that the proxy cannot do',
      `defaults:\n  policy: {hedge: {after: 1s}}\n${web('{}')}`,
      [
        'synapse.yaml:2:12: defaults.policy.hedge: haproxy cannot do this: it sends a request to one member at a time; these can: envoy',
      ],
    ],
    [
      'a word of the defaults that the service’s make wrong',
      `defaults:\n  policy:\n    timeouts: {request: 1s, per_try: 500ms}\n${web('{retries: {attempts: 5}}')}`,
      [
        "synapse.yaml:3:29: defaults.policy.timeouts.per_try: 6 tries (retries.attempts 5) of 500ms take 3s, more than the request's 1s; lower per_try or attempts, or raise request",
      ],
    ],
  ])('%s', async (_, yaml, problems) => {
    expect(await problemsOf(yaml)).toEqual(problems);
  });
});

describe('routes that lead in a circle, or to nobody', () => {
  test.each([
    [
      'a circle of two',
      `${web('{routes: [{to: {service: api}}]}')}${other('api', 'port: 81, protocol: http, policy: {routes: [{to: {service: web}}]}')}`,
      [
        'synapse.yaml:6:24: services.web.policy.routes[0].to[0].service: leads in a circle: web → api → web; let one of these routes lead to other members',
        'synapse.yaml:7:81: services.api.policy.routes[0].to[0].service: leads in a circle: api → web → api; let one of these routes lead to other members',
      ],
    ],
    [
      'a circle of three',
      `${web('{routes: [{to: {service: a}}]}')}${other('a', 'port: 81, protocol: http, policy: {routes: [{to: [{service: b}]}]}')}${other('b', 'port: 82, protocol: http, policy: {routes: [{to: {service: web}}]}')}`,
      [
        'synapse.yaml:6:24: services.web.policy.routes[0].to[0].service: leads in a circle: web → a → b → web; let one of these routes lead to other members',
        'synapse.yaml:7:85: services.a.policy.routes[0].to[0].service: leads in a circle: a → b → web → a; let one of these routes lead to other members',
        'synapse.yaml:8:79: services.b.policy.routes[0].to[0].service: leads in a circle: b → web → a → b; let one of these routes lead to other members',
      ],
    ],
    [
      'a service without a section',
      `${web('{routes: [{to: {service: api}}]}')}  api: {discovery: {method: base}}\n`,
      [
        'synapse.yaml:6:24: services.web.policy.routes[0].to[0].service: services.api is not served by haproxy, as services.web is; give it `proxy: haproxy`',
      ],
    ],
    [
      'a service that is disabled',
      `${web('{routes: [{to: {service: api}}]}')}${other('api', 'protocol: http, haproxy: {disabled: true}')}`,
      [
        'synapse.yaml:6:24: services.web.policy.routes[0].to[0].service: services.api is disabled; enable it (haproxy.disabled), or lead to another service',
      ],
    ],
    [
      'a service of connections',
      `${web('{routes: [{to: {service: api}}]}')}${other('api', 'port: 81')}`,
      [
        'synapse.yaml:6:24: services.web.policy.routes[0].to[0].service: services.api is tcp, and routes are of requests; give it `protocol: http`',
      ],
    ],
    [
      'copies of a load test',
      `${web('{routes: [{to: {service: api}}]}')}${other('api', 'port: 81, protocol: http, load_test_concurrency: 2')}`,
      [
        'synapse.yaml:6:24: services.web.policy.routes[0].to[0].service: services.api is followed as copies (load_test_concurrency), and not under its own name',
      ],
    ],
    [
      'a subset that equals rules out',
      web('{routes: [{to: {subset: {v: 2}}}]}').replace(
        'method: base',
        'method: base, label_filters: [{label: v, condition: equals, value: 1}]',
      ),
      [
        'synapse.yaml:6:24: services.web.policy.routes[0].to[0].subset: unknown subset v=2: services.web.discovery keeps only members whose label v equals 1',
      ],
    ],
    [
      'a subset that in rules out',
      web('{routes: [{to: {subset: {v: 2}}}]}').replace(
        'method: base',
        'method: base, label_filters: [{label: v, condition: in, value: [1, 3]}]',
      ),
      [
        'synapse.yaml:6:24: services.web.policy.routes[0].to[0].subset: unknown subset v=2: services.web.discovery keeps only members whose label v in 1, 3',
      ],
    ],
    [
      'a subset that not-equals rules out',
      web('{routes: [{to: {subset: {v: 2, z: a}}}]}').replace(
        'method: base',
        'method: base, label_filters: [{label: v, condition: not-equals, value: 2}]',
      ),
      [
        'synapse.yaml:6:24: services.web.policy.routes[0].to[0].subset: unknown subset v=2,z=a: services.web.discovery keeps only members whose label v not-equals 2',
      ],
    ],
    [
      'a subset that the other service rules out',
      `${web('{routes: [{to: {service: api, subset: {v: 2}}}]}')}  api: {discovery: {method: base, label_filter: {label: v, condition: not-in, value: [2]}}, port: 81, protocol: http}\n`,
      [
        'synapse.yaml:6:24: services.web.policy.routes[0].to[0].subset: unknown subset v=2: services.api.discovery keeps only members whose label v not-in 2',
      ],
    ],
  ])('%s', async (_, yaml, problems) => {
    expect(await problemsOf(yaml)).toEqual(problems);
  });
});

test('what is of requests in defaults.policy is not for a tcp service', async () => {
  const { config, warnings } = await loadText(
    `defaults:\n  policy: {timeouts: {per_try: 1s, idle: 2m}, trace: w3c, retries: {on: [503]}}\n${web('{slow_start: 5s}', 'protocol: tcp')}`,
  );
  expect(warnings).toEqual([]);
  const { policy, origins } = policyOf(service(config), config) ?? {};
  expect(policy).toMatchObject({ timeouts: { idle: 120_000 }, slow_start: 5000 });
  expect(policy?.timeouts).not.toHaveProperty('per_try');
  expect(policy).not.toHaveProperty('trace');
  expect(policy?.retries?.on).toEqual(['connect_failure']);
  expect(origins?.get('timeouts.idle')).toBe('defaults');
  expect(origins?.get('slow_start')).toBe('service');
});

test('policy_unsupported: warn says it of what the proxy cannot do, once for the defaults', async () => {
  const { warnings } = await loadText(
    `policy_unsupported: warn\ndefaults:\n  policy: {hedge: {after: 1s}}\n${web('{retries: {back_off: 25ms}}')}${other('api', 'port: 81, protocol: http')}`,
  );
  const rest = 'these can: envoy';
  expect(warnings).toEqual([
    `synapse.yaml:9:24: services.web.policy.retries.back_off: haproxy cannot do this: it tries again at once, on another member; ${rest}`,
    `synapse.yaml:3:12: defaults.policy.hedge: haproxy cannot do this: it sends a request to one member at a time; ${rest}`,
  ]);
});

test('a format of an access log that is not Envoy’s is an error at its place, once for the defaults', async () => {
  const problem =
    '%ci:%cp is no operator of Envoy: these are %NAME%, %NAME(what)% or %NAME(what):20%, and a percent sign is %%';
  expect(
    await problemsOf(
      web('{access_log: {format: "%ci:%cp %B"}}', 'proxy: envoy\n    protocol: http'),
    ),
  ).toEqual([`synapse.yaml:7:27: services.web.policy.access_log.format: ${problem}`]);
  const two = `${other('web', 'port: 80, policy: {}')}${other('api', 'port: 81, policy: {}')}`;
  expect(
    await problemsOf(
      `proxy: envoy\ndefaults:\n  policy: {access_log: {format: "%ci:%cp %B"}}\nservices:\n${two}`,
    ),
  ).toEqual([`synapse.yaml:3:25: defaults.policy.access_log.format: ${problem}`]);
});

test('a subset that a default server is in can be', async () => {
  await loadText(
    web('{routes: [{to: {subset: {v: 2}}}]}').replace(
      'method: base}',
      'method: base, label_filters: [{label: v, condition: equals, value: 1}]}\n    default_servers: [{host: a, port: 1, labels: {v: "2"}}]',
    ),
  );
});

test('a service that nothing asks a policy for has none', async () => {
  const { config } = await loadText('services:\n  web: {discovery: {method: base}, port: 80}\n');
  expect(policyOf(service(config), config)).toBeUndefined();
});

test('policy_from says whose words win', async () => {
  const registry = { slow_start: 1000 };
  const loaded = await loadText(web('{slow_start: 5s}'));
  const own = service(loaded.config);
  expect(policyOf(own, loaded.config, registry)?.policy.slow_start).toBe(5000);
  const from = { ...own, policy_from: 'registry' } as const;
  expect(policyOf(from, loaded.config, registry)?.policy.slow_start).toBe(1000);
});

test('check-config --explain has its traffic in a line', async () => {
  const { config } = await loadText(
    web(
      '{timeouts: {request: 5s}, retries: {on: [connect_failure, 503]}, routes: [{match: {path: /a}}, {}]}',
    ),
  );
  expect(explain(config, {})).toContain(
    '\n  traffic: 2 routes, retries 2 on connect_failure, 503, requests end after 5s, balance round_robin, ejection after 5 errors; synapse policy show web says all',
  );
  const plain = await loadText('services:\n  web: {discovery: {method: base}, port: 80}\n');
  expect(explain(plain.config, {})).not.toContain('traffic');
});

function service({ services }: SynapseConfig): ServiceConfig {
  if (!services.web) throw new Error('no service');
  return services.web;
}

describe('a word that only newer versions of a proxy can do', () => {
  const file = (binary: string, more = '') =>
    `${more}haproxy: {binary: ${binary}}\nservices: {web: {discovery: {method: base}, port: 3213, protocol: http, policy: {retries: {on: [429, 503]}}}}`;
  const program = async (directory: string, version: string) => {
    const path = join(directory, `haproxy-${version}`);
    await writeFile(path, `#!/bin/sh\necho 'HAProxy version ${version} 2026/01/01'\n`, {
      mode: 0o755,
    });
    return path;
  };
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'versions-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test.each([
    ['2.6.12', 'this is 2.6.12'],
    [undefined, 'which one runs here is not known'],
  ])('is an error with %s', async (version, here) => {
    const binary = version ? await program(directory, version) : join(directory, 'none');
    expect(await problemsOf(file(binary))).toEqual([
      `synapse.yaml:2:92: services.web.policy.retries.on: haproxy cannot do this: it tries again after 429 only from version 3.0 on, and ${here}; these can: haproxy from 3.0 on, envoy`,
    ]);
  });

  test('is in force with 3.0', async () => {
    const { config } = await loadText(file(await program(directory, '3.0.11')));
    expect(policyOf(service(config), config)?.policy.retries?.on).toEqual([429, 503]);
  });

  test('is left out where that is only warned of', async () => {
    const text = file(await program(directory, '2.6.12'), 'policy_unsupported: warn\n');
    const { config, warnings } = await loadText(text);
    expect(warnings).toEqual([expect.stringContaining('only from version 3.0 on')]);
    expect(policyOf(service(config), config)?.policy.retries?.on).toEqual([503]);
  });
});
