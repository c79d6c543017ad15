import { localitySchema } from '@smartstack/policy';
import type { Service, Snapshot } from '@smartstack/proxy';
import { expect, test } from 'vitest';
import { haproxyServiceSchema } from '../config/config.ts';
import { ownOf } from '../config/section.ts';
import type { HaproxyDriver } from '../driver.ts';
import { withBackends } from './driver.ts';
import { createExpansion } from './expand.ts';

const member = (name: string, zone: string) => ({
  host: '10.0.0.1',
  port: 80,
  name,
  labels: { zone },
});
const [a, b, c] = [member('a', 'a'), member('b', 'b'), member('c', 'c')];
const web: Service = {
  name: 'web',
  instances: [a, b, c],
  defaults: [],
  origin: 'here',
  locality: localitySchema.parse({ from: 'labels.zone', prefer: ['a', 'b'], spill: 'down' }),
  own: { haproxy: haproxyServiceSchema.parse({ port: 3213, listen: ['mode http'] }) },
};
const plain: Service = { name: 'plain', instances: [a], defaults: [], origin: 'here' };
const snapshotOf = (...services: Service[]): Snapshot =>
  new Map(services.map((service) => [service.name, service]));

/** A driver that does nothing. */
const idle: HaproxyDriver = {
  name: 'haproxy',
  apply: async () => 'updated',
  wakes: async function* () {},
  status: () => ({}),
  refused: () => [],
  serves: () => false,
  measure: async () => new Map(),
  configure: () => [],
  [Symbol.asyncDispose]: async () => {},
};

const sectionOf = (service: Service | undefined) => service && ownOf(service);

test('each level is a backend, and the frontend takes the nearest that has a server up', () => {
  const services = [...createExpansion()(snapshotOf(web, plain)).snapshot.values()];
  expect(services.map(({ name, instances }) => [name, instances])).toEqual([
    ['web', [a]],
    ['web.spill1', [b]],
    ['web.spill2', [c]],
    ['plain', [a]],
  ]);
  expect(sectionOf(services[0])?.listen).toEqual([
    'mode http',
    'use_backend web if { nbsrv(web) gt 0 }',
    'use_backend web.spill1 if { nbsrv(web.spill1) gt 0 }',
    'use_backend web.spill2 if { nbsrv(web.spill2) gt 0 }',
  ]);
  expect(sectionOf(services[1])).toMatchObject({
    backend_name: 'web.spill1',
    listen: ['mode http'],
  });
  expect(sectionOf(services[1])).not.toHaveProperty('port');
});

test('a change of one level leaves what the others are made of as it was', () => {
  const expand = createExpansion();
  const levelled = (snapshot: Snapshot) => expand(snapshot).snapshot;
  const before = levelled(snapshotOf(web, plain));
  const after = levelled(snapshotOf({ ...web, instances: [a, b] }, plain));
  expect(after.get('web')?.instances).toBe(before.get('web')?.instances);
  expect(sectionOf(after.get('web'))).toBe(sectionOf(before.get('web')));
  expect(after.get('web.spill2')?.instances).toEqual([]);
});

test('what is unknown is unknown at every level, and default servers stand in at theirs', () => {
  const levels = createExpansion()(
    snapshotOf({ ...web, instances: undefined, defaults: [b] }),
  ).snapshot;
  expect([...levels.values()].map(({ instances, defaults }) => [instances, defaults])).toEqual([
    [undefined, []],
    [undefined, [b]],
    [undefined, []],
  ]);
});

test('a snapshot without localities is itself', () => {
  const snapshot = snapshotOf(plain);
  expect(createExpansion()(snapshot).snapshot).toBe(snapshot);
});

test('the status has the servers of every level under their service', async () => {
  const shown = (name: string) => ({ name, address: `${name}:80`, state: 'up' });
  const server = (name: string) => ({ servers: [shown(name)] });
  const driver = withBackends({
    ...idle,
    apply: async () => 'updated',
    status: () => ({
      mode: 'managed',
      services: { web: server('a'), 'web.spill1': server('b'), 'web.spill2': server('c') },
    }),
    [Symbol.asyncDispose]: async () => {},
  });
  await driver.apply(snapshotOf(web), new AbortController().signal);
  expect(driver.status()).toEqual({
    mode: 'managed',
    services: {
      web: {
        servers: [
          { ...shown('a'), level: 0 },
          { ...shown('b'), level: 1 },
          { ...shown('c'), level: 2 },
        ],
      },
    },
  });
});
