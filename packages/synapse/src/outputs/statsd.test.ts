import type { Statsd } from '@smartstack/daemon';
import type { ProxyDriver, Service, Snapshot } from '@smartstack/proxy';
import { expect, test } from 'vitest';
import type { ServiceConfig } from '../config/config.ts';
import { createStatsdDriver, withFailuresCounted } from './statsd.ts';

const { signal } = new AbortController();

function counter() {
  const counted: string[] = [];
  const statsd: Statsd = {
    increment: (name, tags = {}) => {
      counted.push(
        [name, ...Object.entries(tags).map(([key, value]) => `${key}:${value}`)].join(' '),
      );
    },
    [Symbol.dispose]: () => {},
  };
  return { statsd, counted };
}

const snapshotOf = (...services: Pick<Service, 'name' | 'instances'>[]): Snapshot =>
  new Map(services.map((each) => [each.name, { defaults: [], origin: 'here', ...each }]));

function driver(discovery: object) {
  const { statsd, counted } = counter();
  const config = { discovery } as unknown as ServiceConfig;
  const hosts = ['zk-main12.example.com:2181', 'zk-main3.example.com:2181'];
  return {
    counted,
    driver: createStatsdDriver({ statsd, version: '1.2.3', hosts, followed: () => ({ config }) }),
  };
}

test('what becomes of services is counted under the originals’ names', async () => {
  const { driver: statsd, counted } = driver({ method: 'zookeeper', path: '/services/web' });
  await statsd.apply(snapshotOf({ name: 'web', instances: undefined }), signal);
  expect(counted.splice(0)).toEqual([
    'synapse.start',
    'synapse.config.update',
    'synapse.watcher.start start_result:success watcher_name:web',
  ]);
  const answered = snapshotOf({ name: 'web', instances: [] });
  await statsd.apply(answered, signal);
  expect(counted.splice(0)).toEqual([
    'synapse.config.update',
    'synapse.watcher.zk.discovery zk_cluster:zk-main zk_path:/services/web service_name:web',
  ]);
  await statsd.apply(answered, signal);
  expect(counted.splice(0)).toEqual([]);
  await statsd.apply(snapshotOf(), signal);
  await statsd[Symbol.asyncDispose]();
  expect(counted).toEqual([
    'synapse.config.update',
    'synapse.watcher.stop stop_avenue:clean stop_location:main_loop watcher_name:web',
    'synapse.stop stop_avenue:clean stop_location:main_loop',
  ]);
});

test('once a second each service’s watcher is counted as living, or as without an answer', async () => {
  const { driver: statsd, counted } = driver({ method: 'base' });
  const snapshot = snapshotOf({ name: 'a', instances: [] }, { name: 'b', instances: undefined });
  for await (const _ of statsd.wakes(signal)) break;
  await statsd.apply(snapshot, signal);
  expect(counted.filter((line) => line.includes('ping'))).toEqual([
    'synapse.watcher.ping.count watcher_name:a ping_result:success synapse_version:1.2.3',
    'synapse.watcher.ping.count watcher_name:b ping_result:failure synapse_version:1.2.3',
  ]);
});

test('a proxy that cannot be brought in step is counted', async () => {
  const { statsd, counted } = counter();
  const failing = {
    name: 'haproxy',
    apply: () => Promise.reject(new Error('no')),
  } as unknown as ProxyDriver;
  const apply = withFailuresCounted(failing, statsd).apply(snapshotOf(), signal);
  await expect(apply).rejects.toThrow('no');
  expect(counted).toEqual(['synapse.config.update_failed config_name:haproxy']);
});
