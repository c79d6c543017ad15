import { builtIn, type Match, mergePolicy, type Protocol, policySchema } from '@smartstack/policy';
import { describe, expect, test } from 'vitest';

import { envoySchema } from '../config/config.ts';
import { forEnvoy } from '../resources/for-envoy.ts';
import { jsonOf } from '../resources/json.ts';
import { createResources } from '../resources/resources.ts';
import { options, snapshotOf, type Written } from '../resources/service.fixture.ts';
import { grpcBootstrap } from './bootstrap.ts';
import { grpcNotes } from './gaps.ts';
import { grpcMatchOf } from './match.ts';

const policyOf = (policy: object) =>
  mergePolicy([
    { origin: 'built-in', policy: builtIn('grpc') },
    { origin: 'service', policy: policySchema.parse(policy) },
  ]);

describe('a match of calls', () => {
  test.each<[Match, object | undefined]>([
    [{}, { case: 'prefix', value: '' }],
    [{ path_prefix: '/' }, { case: 'prefix', value: '' }],
    [{ path_prefix: '/a.B' }, { case: 'prefix', value: '/a.B/' }],
    [{ path_prefix: '/a.B/Get/' }, { case: 'path', value: '/a.B/Get' }],
    [{ path: '/a.B/Get' }, { case: 'path', value: '/a.B/Get' }],
    [{ path: '/a.B' }, undefined],
    [{ path_prefix: '/a/b/c' }, undefined],
    [{ query: { v: '2' } }, undefined],
    [{ methods: ['GET'] }, undefined],
    [{ methods: ['GET', 'POST'] }, { case: 'prefix', value: '' }],
  ])('%j', (match, path) => {
    expect(grpcMatchOf(match)?.pathSpecifier).toEqual(path);
  });
});

test('words that clients do not do are named, and those built in are not', () => {
  expect(grpcNotes({ policy: policyOf({}) })).toEqual([]);
  const policy = policyOf({
    retries: { on: [503, 401], methods: ['GET'] },
    routes: [{ mirror: { to: { service: 'b' } } }, { match: { query: { v: '1' } } }],
  });
  expect(grpcNotes({ policy }).map(({ word }) => word)).toEqual([
    'retries.on',
    'retries.methods',
    'routes[0].mirror',
    'routes[1].match',
  ]);
});

describe('resources', () => {
  const resourcesOf = (services: Readonly<Record<string, Written>>) =>
    createResources({
      ...options,
      serves: () => false,
      callable: (one) => one.protocol === 'grpc',
    })(snapshotOf(services)).resources;
  const members = [{ host: '10.0.0.1', port: 80 }];

  test('a service that no Envoy serves is there for who asks by name, with its members', () => {
    const { cluster, endpoints, listener, route } = resourcesOf({
      web: { members, protocol: 'grpc' },
      other: { members, protocol: 'http' },
    });
    expect([...cluster.keys(), ...listener.keys(), ...route.keys()]).toEqual([
      'grpc/web',
      'web',
      'grpc/web',
    ]);
    expect([...endpoints.keys()]).toEqual(['web']);
    const { cluster: none, endpoints: ofNone } = forEnvoy({ cluster, endpoints, listener, route });
    expect([...none, ...ofNone]).toEqual([]);
    for (const one of [...cluster.values(), ...listener.values(), ...route.values()])
      expect(one.audience).toBe('named');
  });

  test('members that have UNIX sockets stand in the lists of Envoy alone', () => {
    const socket = { host: 'unix', port: '/run/web.sock' } as const;
    const { cluster, endpoints } = resourcesOf({
      web: { members: [...members, socket], protocol: 'grpc' },
    });
    const [called] = cluster.values();
    expect(called && jsonOf(called)).toMatchObject({
      eds_cluster_config: { service_name: 'grpc/web' },
    });
    const hasSocket = Array.from(endpoints.values(), (one) => [
      one.name,
      one.audience,
      JSON.stringify(jsonOf(one)).includes('/run/web.sock'),
    ]);
    expect(hasSocket).toEqual([
      ['web', 'all', true],
      ['grpc/web', 'named', false],
    ]);
  });

  test('a balance that older clients do not have stands beside one that they have', () => {
    const balances = [{ ring_hash: { header: 'x-user' } }, 'least_request'];
    for (const balance of balances) {
      const web: Written = { members, protocol: 'grpc', policy: { balance } };
      const [cluster] = resourcesOf({ web }).cluster.values();
      const json = cluster && jsonOf(cluster);
      expect(json).toMatchObject({ load_balancing_policy: { policies: [{}] } });
      expect(json).not.toHaveProperty('lb_policy');
    }
    const plain = resourcesOf({ web: { members, protocol: 'grpc' } }).cluster.get('grpc/web');
    expect(plain && jsonOf(plain)).toMatchObject({
      name: 'grpc/web',
      type: 'EDS',
      eds_cluster_config: { service_name: 'web' },
    });
  });
});

describe('the bootstrap file', () => {
  const configured = (protocol: Protocol) => ({ protocol, copies: [], policy: policyOf({}) });
  const services = new Map([
    ['web', configured('grpc')],
    ['old', configured('http')],
  ]);
  const withAddress = envoySchema.parse({ xds: { address: '127.0.0.1:18000' } });
  const asked = { services, only: undefined, isSocket: false };

  test('says where synapse is', () => {
    const { text, notes } = grpcBootstrap.of(withAddress, asked);
    expect(notes).toEqual([expect.stringContaining('policies in the registry are not read here')]);
    expect(JSON.parse(text)).toMatchObject({
      xds_servers: [{ server_uri: '127.0.0.1:18000', server_features: ['xds_v3'] }],
      node: { cluster: 'smartstack', locality: {} },
    });
    const socket = envoySchema.parse({ xds: { socket: '/run/xds.sock' } });
    const { text: bySocket } = grpcBootstrap.of(socket, { ...asked, isSocket: true });
    expect(JSON.parse(bySocket).xds_servers[0].server_uri).toBe('unix:/run/xds.sock');
  });

  test.each([
    [undefined, {}, 'there is no envoy section'],
    [envoySchema.parse({}), {}, 'envoy.xds.address is not set'],
    [withAddress, { only: 'old' }, 'cannot call old: it is http; give it protocol: grpc'],
    [withAddress, { services: new Map([['old', configured('http')]]) }, 'none has protocol: grpc'],
  ])('is refused with the reason, %#', (config, more, reason) => {
    expect(() => grpcBootstrap.of(config, { ...asked, ...more })).toThrow(reason);
  });
});
