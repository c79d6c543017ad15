import { builtIn, localitySchema, mergePolicy, policySchema } from '@smartstack/policy';
import type { Service, Snapshot } from '@smartstack/proxy';
import { expect, test } from 'vitest';

import { haproxyServiceSchema } from '../config/config.ts';
import { ownOf } from '../config/section.ts';
import { createExpansion } from './expand.ts';

const member = (name: string, version: string, zone = 'a') => ({
  host: '10.0.0.1',
  port: 80,
  name,
  labels: { version, zone },
});
const [v1, v2] = [member('one', 'v1'), member('two', 'v2')];

const serviceOf = (
  name: string,
  policy: object | undefined,
  more: Partial<Service> = {},
): Service => ({
  name,
  instances: [v1, v2],
  defaults: [],
  origin: 'here',
  protocol: 'http',
  own: { haproxy: haproxyServiceSchema.parse({ port: 80 }) },
  ...(policy && {
    policy: mergePolicy([
      { origin: 'built-in', policy: { ...builtIn('http'), outlier_ejection: false } },
      { origin: 'service', policy: policySchema.parse(policy) },
    ]),
  }),
  ...more,
});
const snapshotOf = (...services: Service[]): Snapshot =>
  new Map(services.map((service) => [service.name, service]));
const backendsOf = (snapshot: Snapshot) =>
  [...createExpansion()(snapshot).snapshot.values()].map(({ name, instances }) => [
    name,
    instances?.map((each) => each.name),
  ]);

test('each subset that a route sends requests to is a backend of its members', () => {
  const routes = [
    {
      to: [
        { subset: { version: 'v2' }, weight: 1 },
        { subset: { version: 'v1' }, weight: 9 },
      ],
    },
  ];
  expect(backendsOf(snapshotOf(serviceOf('web', { routes })))).toEqual([
    ['web', ['one', 'two']],
    ['web.version-v2', ['two']],
    ['web.version-v1', ['one']],
  ]);
});

test('a subset that another service asks for is one too', () => {
  const routes = [{ to: { service: 'api', subset: { version: 'v2' } } }];
  const snapshot = snapshotOf(serviceOf('web', { routes }), serviceOf('api', undefined));
  expect(backendsOf(snapshot)).toEqual([
    ['web', ['one', 'two']],
    ['api', ['one', 'two']],
    ['api.version-v2', ['two']],
  ]);
});

test('where members may be ejected, each backend has one beside it for when too many are', () => {
  const policy = { outlier_ejection: { errors: 5, max_share: '50%' } };
  expect(backendsOf(snapshotOf(serviceOf('web', policy)))).toEqual([
    ['web', ['one', 'two']],
    ['web.all', ['one', 'two']],
  ]);
});

test('a route that tries in a way of its own has a backend of its own', () => {
  const routes = [{ name: 'slow', match: { path: '/slow' }, retries: { attempts: 0 } }];
  expect(backendsOf(snapshotOf(serviceOf('web', { routes })))).toEqual([
    ['web', ['one', 'two']],
    ['web.route-slow', ['one', 'two']],
  ]);
});

test('levels of locality are levels of each subset', () => {
  const locality = localitySchema.parse({ from: 'labels.zone', prefer: 'a', spill: 'down' });
  const far = member('far', 'v2', 'b');
  const routes = [{ to: { subset: { version: 'v2' } } }];
  const service = serviceOf('web', { routes }, { locality, instances: [v1, v2, far] });
  expect(backendsOf(snapshotOf(service))).toEqual([
    ['web', ['one', 'two']],
    ['web.spill1', ['far']],
    ['web.version-v2', ['two']],
    ['web.version-v2.spill1', ['far']],
  ]);
});

test('a change of members makes no section anew, and a change of another service only what leads there', () => {
  const expand = createExpansion();
  const routes = [{ to: { service: 'api', subset: { version: 'v2' } } }];
  const [web, api] = [serviceOf('web', { routes }), serviceOf('api', undefined)];
  const before = expand(snapshotOf(web, api)).snapshot;
  const after = expand(snapshotOf(web, { ...api, instances: [v1] })).snapshot;
  for (const name of ['web', 'api', 'api.version-v2'])
    expect(ownOf(after.get(name) ?? web)).toBe(ownOf(before.get(name) ?? api));
  expect(after.get('web')).toBe(before.get('web'));
  expect(after.get('api.version-v2')?.instances).toEqual([]);
});

test('what is made for a policy is plain data, which a file can keep', () => {
  const routes = [{ name: 'a', to: [{ subset: { version: 'v2' } }, { service: 'web' }] }];
  const { snapshot } = createExpansion()(snapshotOf(serviceOf('web', { routes })));
  const section = ownOf(snapshot.get('web') as Service);
  expect(JSON.parse(JSON.stringify(section))).toEqual(section);
  expect(section?.traffic?.front?.routes).toHaveLength(1);
});
