import { readFile, writeFile } from 'node:fs/promises';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Daemon } from '../support/daemon.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';
import { createScene, type Scene, told, watch } from './scene.ts';
import { shareZooKeeper } from './shared-zookeeper.ts';

const shared = shareZooKeeper();
let scene: Scene;
let scenes = 0;
beforeEach(async () => {
  const path = `/services/web-${scenes++}`;
  scene = await createScene(undefined, { zookeeper: shared.zookeeper, path });
});
afterEach(() => scene[Symbol.asyncDispose]());

/** Gives nerve another configuration, and waits until it took it. */
async function reload(daemon: Daemon, config: object): Promise<void> {
  const before = told(daemon, 'configuration read again');
  await writeFile(scene.scratch.path('nerve.yaml'), JSON.stringify(config));
  daemon.kill('SIGHUP');
  await until(() => told(daemon, 'configuration read again') > before);
}

/** A connection to ZooKeeper that fails when it shall. */
async function relayed(timeout: number): Promise<{ relay: Relay; config: object }> {
  const relay = await startRelay(scene.zookeeper.port);
  const zookeeper = { hosts: [relay.hosts], session_timeout: timeout };
  return { relay, config: scene.config({}, { zookeeper }) };
}

test('a watcher is told of nothing while nerve is handed off, killed and restarted, cut off, and told of another service', async () => {
  const { relay, config } = await relayed(12);
  await using _relay = relay;
  const others = Object.fromEntries(
    ['c'].map((name) => [name, { zk_path: `${scene.path}-other` }]),
  );
  const first = scene.config(others, { zookeeper: (config as { zookeeper: object }).zookeeper });
  const changed = {
    ...first,
    services: {
      ...(first as { services: object }).services,
      c: {
        ...(scene.config(others) as { services: { c: object } }).services.c,
        weight: 3,
      },
    },
  };

  const one = await scene.nerve(first);
  await scene.announced(2);
  await until(() => told(one, 'announced') === 3);
  await using watched = await watch(scene.session, scene.path);

  one.kill('SIGUSR2');
  expect(await one.exited).toBe(0);
  const two = await scene.nerve(first);
  await until(() => told(two, 'announced') === 3);
  await until(async () => {
    const noted = await readFile(scene.scratch.path('state', 'sessions.json'), 'utf8');
    return !noted.includes('"pid":0,') && noted.match(/vm-1_/g)?.length === 3;
  });

  two.kill('SIGKILL');
  await two.exited;
  // Ends before the relay, which it needs to withdraw anything.
  await using three = await scene.nerve(first);
  await until(() => told(three, 'announced') === 3);

  relay.cut();
  await until(() => told(three, 'zookeeper connected') === 2);

  await reload(three, changed);
  await until(() => told(three, 'withdrawn') === 1);

  expect(watched.changes).toBe(0);
  expect(watched.lists).toEqual([2]);
});

test('a nerve that is killed the moment it has announced is taken over too', async () => {
  const zookeeper = { hosts: [scene.zookeeper.hosts], session_timeout: 12 };
  const config = scene.config({}, { zookeeper });
  const one = await scene.nerve(config);
  // Looked at without a pause, so that the kill comes before nerve can note what it has created.
  while ((await scene.names().catch(() => [])).length < 3);
  one.kill('SIGKILL');
  await one.exited;
  await using watched = await watch(scene.session, scene.path);
  const two = await scene.nerve(config);
  await until(() => told(two, 'announced') === 3);
  await scene.announced(3);
  expect(watched.changes).toBe(0);
});

test('a persistent record is taken over as it is', async () => {
  const { services, ...top } = scene.config({ a: { node_type: 'persistent' } }) as {
    services: { a: object };
  };
  const config = { ...top, services: { a: services.a } };
  const one = await scene.nerve(config);
  await scene.announced(1);
  await using watched = await watch(scene.session, scene.path);
  for (const signal of ['SIGUSR2', 'SIGKILL'] as const) {
    const present = signal === 'SIGUSR2' ? one : await scene.nerve(config);
    await until(() => told(present, 'announced') === 1);
    present.kill(signal);
    await present.exited;
  }
  const last = await scene.nerve(config);
  await until(() => told(last, 'announced') === 1);
  expect(watched.changes).toBe(0);
});

test('a lost session is re-announced within a second of the new one', async () => {
  const { relay, config } = await relayed(1);
  await using _relay = relay;
  await using daemon = await scene.nerve(config);
  await scene.announced(3);
  relay.silence();
  await scene.announced(0);
  const connected = told(daemon, 'zookeeper connected');
  relay.cut();
  relay.resume();
  await until(() => told(daemon, 'zookeeper connected') > connected);
  const begin = performance.now();
  await scene.announced(3);
  expect(performance.now() - begin).toBeLessThan(1000);
  expect(told(daemon, 'zookeeper session lost')).toBeGreaterThan(0);
});

test('a nerve that was stopped beyond its session announces everything when it goes on', async () => {
  const zookeeper = { hosts: [scene.zookeeper.hosts], session_timeout: 1 };
  const daemon = await scene.nerve(scene.config({}, { zookeeper }));
  await scene.announced(3);
  daemon.kill('SIGSTOP');
  await scene.announced(0);
  daemon.kill('SIGCONT');
  const begin = performance.now();
  await scene.announced(3);
  expect(performance.now() - begin).toBeLessThan(3000);
  expect(told(daemon, 'service is down')).toBe(0);
});

describe('a watcher never sees it gone when SIGHUP', () => {
  const keysOf = (node_type: string, more: object = {}) => ({ a: { node_type, ...more } });

  test.each(['ephemeral_sequential', 'ephemeral', 'persistent_sequential', 'persistent'])(
    'changes a service (%s)',
    async (type) => {
      const [own] = scene.copies;
      const only = (more: object) => {
        const { services, ...top } = scene.config(keysOf(type, more)) as {
          services: { a: object };
        };
        return { ...top, services: { a: services.a } };
      };
      const daemon = await scene.nerve(only({}));
      await scene.announced(1);
      await using watched = await watch(scene.session, scene.path);
      await reload(daemon, only({ weight: 7 }));
      await until(() => told(daemon, 'withdrawn') === 1);
      await scene.announced(1);
      const [name = ''] = await scene.names();
      const { data } = await scene.session.get(`${scene.path}/${name}`);
      expect(JSON.parse(String(data))).toMatchObject({ port: own?.port, weight: 7 });
      expect(watched.lists).not.toContain(0);
    },
  );

  test('gives a service another name', async () => {
    const { services, ...top } = scene.config() as { services: { a: object } };
    const daemon = await scene.nerve({ ...top, services: { a: services.a } });
    await scene.announced(1);
    await using watched = await watch(scene.session, scene.path);
    await reload(daemon, { ...top, services: { renamed: services.a } });
    await until(() => told(daemon, 'withdrawn') === 1);
    await scene.announced(1);
    expect(watched.lists).not.toContain(0);
  });
});

test('a storm of SIGHUPs ends with the newest configuration, and what did not change notices nothing', async () => {
  const daemon = await scene.nerve();
  await scene.announced(3);
  const records = async () => {
    const nodes = (await scene.names()).map(async (name) => {
      const { data } = await scene.session.get(`${scene.path}/${name}`);
      return { name, ...(JSON.parse(String(data)) as { port: number; weight?: number }) };
    });
    return Promise.all(nodes);
  };
  const [a, b] = scene.copies;
  const nodeOf = async (port?: number) => (await records()).find((each) => each.port === port);
  const before = await nodeOf(a?.port);
  for (let weight = 1; weight <= 30; weight++) {
    const config = scene.config({ b: { weight }, c: { zk_path: `${scene.path}-other` } });
    await writeFile(scene.scratch.path('nerve.yaml'), JSON.stringify(config));
    daemon.kill('SIGHUP');
  }
  await until(async () => (await records()).length === 2 && (await nodeOf(b?.port))?.weight === 30);
  expect(await nodeOf(a?.port)).toEqual(before);
});
