import type { ProxyDriver, Service } from '@smartstack/proxy';
import { expect, test } from 'vitest';

import { loadText } from '../config/policy.fixture.ts';
import type { Followed } from '../reconcile/follower.ts';
import { explain } from './explain.ts';
import { lookAtPolicy } from './policy/look.ts';
import { policyText, shownPolicy } from './policy/show.ts';
import { type ProxyPreview, rendered } from './preview.ts';
import { statusTable } from './shown.ts';

const service = (count: number) => ({
  heard: true,
  stale: false,
  members: Array.from({ length: count }),
  held: null,
});
const server = (state: string) => ({ name: state, address: '10.0.0.1:80', state });
const status = (proxies: Readonly<Record<string, unknown>>) =>
  statusTable({
    config_problems: [],
    services: { api: service(2), none: service(1), web: service(2) },
    proxies,
  });

test('the table of services names the proxy of each where there are two, and counts in its words', () => {
  const web = { servers: [server('up'), server('down')] };
  const api = { servers: [server('healthy'), server('draining')] };
  expect(status({ haproxy: { services: { web } }, envoy: { services: { api } } })).toBe(
    [
      'SERVICE  PROXY    MEMBERS  UP',
      'api      envoy    2        1',
      'none     -        1        -',
      'web      haproxy  2        1',
      '',
    ].join('\n'),
  );
  expect(status({ haproxy: { services: { web } }, envoy: { mode: 'none', services: {} } })).toMatch(
    /^SERVICE {2}MEMBERS {2}UP\napi {6}2 {8}-\n/,
  );
});

test('a proxy that cannot be asked is not one without members that are up', () => {
  const unknown = { servers: [server('not known: envoy does not answer')] };
  expect(status({ envoy: { services: { web: unknown } } })).toMatch(/^web +2 +-$/m);
});

const driver = (name: string, servers: readonly ReturnType<typeof server>[]): ProxyDriver =>
  ({
    name,
    status: () => ({ services: { web: { servers } } }),
    refused: () => [],
  }) as unknown as ProxyDriver;

test('explain asks the proxy that serves, in its words', () => {
  const web: Service = {
    name: 'web',
    instances: [{ host: '10.0.0.1', port: 80, name: 'web-1' }],
    defaults: [],
    own: { envoy: { disabled: false } },
    origin: 'synapse.yaml:2:3',
  };
  const drivers = [
    driver('haproxy', [{ ...server('up'), name: 'web-1_10.0.0.1:80' }]),
    driver('envoy', [
      { ...server('healthy'), name: 'web-1_10.0.0.1:80' },
      { ...server('draining'), name: '10.0.0.2:80' },
    ]),
  ];
  const { members } = explain({ service: web } as unknown as Followed, web, drivers);
  expect(members.map(({ served, why }) => [served, why])).toEqual([
    [true, 'in the proxy: healthy'],
    [false, 'no longer announced; in the proxy: draining'],
  ]);
});

test('policy show names the proxy, and what the other one can do is no matter', async () => {
  const loaded = await loadText(
    'envoy: {binary: /none}\nservices:\n  web: {discovery: {method: base}, port: 1, protocol: http, proxy: envoy, policy: {hedge: {after: 1s}}}\n',
  );
  const look = await lookAtPolicy(loaded, 'web', new AbortController().signal);
  const shown = await shownPolicy(look);
  expect(shown).toMatchObject({ proxy: 'envoy', version: null, ignored: [] });
  expect(policyText(shown, look)).toMatch(/^web is http, served by Envoy \(/);
});

const preview = (proxy: string, text: string): ProxyPreview => ({
  proxy,
  path: `/run/${proxy}`,
  text,
  before: undefined,
  commands: [],
  reload: undefined,
  objections: [],
});

test('render prints the file of one proxy as it is, and says whose each of several is', () => {
  const previews = [preview('haproxy', 'global\n'), preview('envoy', '{}\n')];
  const both = { previews, complaints: [] };
  expect(rendered(both)).toBe('# haproxy: /run/haproxy\nglobal\n\n# envoy: /run/envoy\n{}\n');
  expect(rendered(both, 'envoy')).toBe('{}\n');
  expect(rendered({ ...both, previews: previews.slice(0, 1) })).toBe('global\n');
});
