import type { JsonObject } from '@bufbuild/protobuf';
import type { Instance } from '@smartstack/registry';
import { describe, expect, test } from 'vitest';

import { jsonOf } from './json.ts';
import { createResources } from './resources.ts';
import { options, resourcesOf, serviceOf, snapshotOf, type Written } from './service.fixture.ts';

const member = (host: string, more: Partial<Instance> = {}): Instance => ({
  host,
  port: 80,
  ...more,
});
const web: Written = { members: [member('10.0.0.1')], port: 3000 };

test('a service has a cluster and endpoints, and where apps connect a listener and routes', () => {
  const { resources } = resourcesOf({ web, db: { members: [], protocol: 'tcp' } });
  const names = Object.entries(resources).map(([type, all]) => [type, [...all.keys()]]);
  expect(Object.fromEntries(names)).toEqual({
    cluster: ['web', 'db'],
    endpoints: ['web', 'db'],
    listener: ['listener/web'],
    route: ['web'],
  });
});

describe('what did not change is the same again', () => {
  test('all of it, for the same snapshot', () => {
    const make = createResources(options);
    const snapshot = snapshotOf({ web });
    const { resources } = make(snapshot);
    expect(make(snapshot).resources).toEqual(resources);
    expect(make(snapshot).resources.endpoints).toBe(resources.endpoints);
  });

  test('all but the endpoints of one service, when its members change', () => {
    const make = createResources(options);
    const snapshot = snapshotOf({ web, other: { ...web, port: 3001 } });
    const before = make(snapshot).resources;
    const one = snapshot.get('web');
    if (!one) throw new Error('no web');
    const changed = new Map(snapshot).set('web', { ...one, instances: [member('10.0.0.2')] });
    const after = make(changed).resources;
    expect(after.cluster).toBe(before.cluster);
    expect(after.listener).toBe(before.listener);
    expect(after.route).toBe(before.route);
    expect(after.endpoints.get('other')).toBe(before.endpoints.get('other'));
    expect(after.endpoints.get('web')).not.toEqual(before.endpoints.get('web'));
  });

  test('the routes alone are others when a split has other weights', () => {
    const make = createResources(options);
    const split = (weight: number) =>
      snapshotOf({
        web: {
          ...web,
          policy: { routes: [{ to: [{ subset: { v: '1' }, weight }, { subset: { v: '2' } }] }] },
        },
      });
    const before = make(split(1)).resources;
    const after = make(split(2)).resources;
    expect(after).toMatchObject({
      cluster: before.cluster,
      endpoints: before.endpoints,
      listener: before.listener,
    });
    expect(after.route.get('web')?.version).not.toBe(before.route.get('web')?.version);
  });

  test('the order of members, and who makes it, makes no difference', () => {
    const members = [member('10.0.0.1'), member('10.0.0.2'), member('10.0.0.1', { port: 81 })];
    const one = resourcesOf({ web: { ...web, members } }).resources;
    const other = resourcesOf({ web: { ...web, members: members.toReversed() } }).resources;
    expect(other).toEqual(one);
  });
});

interface Place {
  readonly priority?: number;
  readonly locality: { readonly zone?: string };
  readonly lb_endpoints: readonly {
    readonly load_balancing_weight?: number;
    readonly health_status?: string;
    readonly endpoint: {
      readonly hostname: string;
      readonly address: {
        readonly pipe?: { readonly path: string };
        readonly socket_address?: { readonly address: string; readonly port_value: number };
      };
    };
  }[];
}

/** The members of a cluster in a line each: priority, address, weight, health. */
function linesOf(
  services: Readonly<Record<string, Written>>,
  cluster: string,
  leaving: readonly Instance[] = [],
) {
  const { resources } = createResources(options)(snapshotOf(services), new Map([['web', leaving]]));
  const made = resources.endpoints.get(cluster);
  if (!made) return undefined;
  const { endpoints = [] } = jsonOf(made) as unknown as { readonly endpoints?: readonly Place[] };
  return endpoints.flatMap(({ priority = 0, lb_endpoints: all }) =>
    all.map(({ endpoint: { address }, load_balancing_weight: weight, health_status: health }) => {
      const { pipe, socket_address: socket } = address;
      return [priority, pipe?.path ?? `${socket?.address}:${socket?.port_value}`, weight, health]
        .filter((each) => each !== undefined)
        .join(' ');
    }),
  );
}

describe('members', () => {
  test('have their weights, and one without any gets nothing new', () => {
    const members = [
      member('10.0.0.1', { weight: 3 }),
      member('10.0.0.2', { weight: 0 }),
      member('10.0.0.3', { weight: 3, trafficWeight: 7 }),
      member('10.0.0.4'),
    ];
    expect(linesOf({ web: { members } }, 'web')).toEqual([
      '0 10.0.0.1:80 3',
      '0 10.0.0.3:80 7',
      '0 10.0.0.4:80 1',
      '1 10.0.0.2:80 1 DRAINING',
    ]);
  });

  test('that leave drain behind the others, unless they are back', () => {
    const leaving = [member('10.0.0.1'), member('10.0.0.9')];
    expect(linesOf({ web }, 'web', leaving)).toEqual([
      '0 10.0.0.1:80 1',
      '1 10.0.0.9:80 1 DRAINING',
    ]);
  });

  test('are there once, at an IPv6 address and a UNIX socket, too', () => {
    const members = [
      member('10.0.0.1', { name: 'a' }),
      member('10.0.0.1', { name: 'b' }),
      member('fd00::1'),
      { host: 'unix', port: '/run/web.sock' } as const,
    ];
    expect(linesOf({ web: { members } }, 'web')).toEqual([
      '0 /run/web.sock 1',
      '0 10.0.0.1:80 1',
      '0 fd00::1:80 1',
    ]);
  });

  test('by name are served where it resolves, and said where it does not', () => {
    const members = [member('one.example'), member('two.example')];
    let address = '10.0.0.1';
    const make = createResources({
      ...options,
      resolve: (host) => (host === 'one.example' ? address : undefined),
    });
    const snapshot = snapshotOf({ web: { members } });
    const { resources, unresolved } = make(snapshot);
    expect(unresolved).toEqual([
      { service: 'web', name: 'two.example:80', host: 'two.example', port: 80 },
    ]);
    expect(JSON.stringify(jsonOf(resources.endpoints.get('web') ?? never()))).toContain('10.0.0.1');
    address = '10.0.0.2';
    const later = make(snapshot).resources.endpoints.get('web') ?? never();
    expect(JSON.stringify(jsonOf(later))).toContain('10.0.0.2');
  });

  test('of nearer levels come first, and of `members<N` the nearest are all', () => {
    const members = [
      member('10.0.0.1', { labels: { zone: 'b' } }),
      member('10.0.0.2', { labels: { zone: 'a' } }),
      member('10.0.0.3', { labels: { zone: 'c' } }),
    ];
    const near = (spill: string) => ({ from: 'labels.zone', prefer: ['a', 'b'], spill });
    expect(linesOf({ web: { members, locality: near('down') } }, 'web')).toEqual([
      '0 10.0.0.2:80 1',
      '1 10.0.0.1:80 1',
      '2 10.0.0.3:80 1',
    ]);
    expect(linesOf({ web: { members, locality: near('members<2') } }, 'web')).toEqual([
      '0 10.0.0.1:80 1',
      '0 10.0.0.2:80 1',
    ]);
  });

  test('of a subset serve first, the others where it has none', () => {
    const members = [
      member('10.0.0.1', { labels: { v: '1' } }),
      member('10.0.0.2', { labels: { v: '2' } }),
    ];
    const policy = { routes: [{ to: [{ subset: { v: '2' } }, { subset: { v: '3' } }] }] };
    const services = { web: { members, policy, port: 3000 } };
    expect(linesOf(services, 'web|v=2')).toEqual(['0 10.0.0.2:80 1', '1 10.0.0.1:80 1']);
    expect(linesOf(services, 'web|v=3')).toEqual(['0 10.0.0.1:80 1', '0 10.0.0.2:80 1']);
  });
});

describe('unknown is not empty', () => {
  test('of members that nobody knows there are no endpoints', () => {
    const { resources, unknown } = resourcesOf({ web: { ...web, members: undefined } });
    expect(unknown).toEqual(['web']);
    expect([...resources.endpoints]).toEqual([]);
    expect([...resources.cluster.keys()]).toEqual(['web']);
  });

  test('what stands for them is served meanwhile', () => {
    const services = { web: { ...web, members: undefined, defaults: [member('10.0.0.9')] } };
    expect(linesOf(services, 'web')).toEqual(['0 10.0.0.9:80 1']);
  });

  test('an empty list is one', () => {
    expect(linesOf({ web: { ...web, members: [] } }, 'web')).toEqual([]);
  });
});

describe('routes', () => {
  const routesTo = (other: readonly Instance[] | undefined) => {
    const policy = { routes: [{ to: [{ service: 'other', weight: 3 }, { weight: 0 }] }] };
    const { resources } = resourcesOf({ web: { ...web, policy }, other: { members: other } });
    const { virtual_hosts: hosts } = jsonOf(resources.route.get('web') ?? never()) as JsonObject;
    return JSON.stringify(hosts);
  };

  test('lead to a service that has members, or of which that is not known', () => {
    const both =
      '"weighted_clusters":{"clusters":[{"name":"other","weight":3},{"name":"web","weight":0}]}';
    expect(routesTo([member('10.0.0.2')])).toContain(both);
    expect(routesTo(undefined)).toContain(both);
  });

  test('lead to the others where it has none', () => {
    expect(routesTo([])).toContain('"cluster":"web"');
    expect(routesTo([])).not.toContain('other');
  });

  test('lead to parts of a service that have members, else to the first of weight 0 that has', () => {
    const split = (weights: readonly number[], members: readonly Instance[]) => {
      const to = weights.map((weight, at) => ({ subset: { v: String(at) }, weight }));
      const { resources } = resourcesOf({ web: { ...web, members, policy: { routes: [{ to }] } } });
      const text = JSON.stringify(jsonOf(resources.route.get('web') ?? never()));
      return [...text.matchAll(/"(?:cluster|name)":"web\|v=(\d)"/g)].map(([, v]) => v).join('');
    };
    const labelled = (...vs: readonly string[]) =>
      vs.map((v) => member(`10.0.0.${v}`, { labels: { v }, ...(v === '3' && { weight: 0 }) }));
    expect(split([1, 1, 1], labelled('0', '1', '2'))).toBe('012');
    expect(split([1, 1, 1], labelled('1', '2'))).toBe('12');
    expect(split([0, 0, 1], labelled('0', '1'))).toBe('0');
    expect(split([0, 0, 0, 1], labelled('1', '2', '3'))).toBe('1');
    expect(split([1, 1, 1], [])).toBe('012');
  });
});

test('of two services at one address the first has it', () => {
  const { resources, refused } = resourcesOf({ web, other: web });
  expect(refused).toEqual([{ owner: 'other', reason: 'web listens at 127.0.0.1:3000, too' }]);
  expect([...resources.listener.keys()]).toEqual(['listener/web']);
  expect([...resources.cluster.keys()]).toEqual(['web', 'other']);
});

test('of 500 services of 20 members, a change of one is one list of endpoints', () => {
  const members = (service: number) =>
    Array.from({ length: 20 }, (_, index) =>
      member(`10.${service >> 8}.${service & 255}.${index}`, { name: `m${index}` }),
    );
  const services = Array.from({ length: 500 }, (_, index) =>
    serviceOf(`service-${index}`, { members: members(index), port: 10_000 + index }),
  );
  const snapshot = new Map(services.map((service) => [service.name, service]));
  const make = createResources(options);
  const before = make(snapshot).resources;
  const [one] = services;
  if (!one) throw new Error('no service');
  const changed = new Map(snapshot).set(one.name, { ...one, instances: members(0).slice(1) });
  const after = make(changed).resources;
  const others = Object.entries(after).flatMap(([type, list]) =>
    [...list].filter(([name, each]) => before[type as keyof typeof before].get(name) !== each),
  );
  expect(others.map(([name]) => name)).toEqual([one.name]);
  expect(after.endpoints.get(one.name)?.value.length).toBeLessThan(1000);
});

function never(): never {
  throw new Error('no such resource');
}
