import { setTimeout as sleep } from 'node:timers/promises';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { createZooKeeperRegistry, type Instance } from '@smartstack/registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startRelay } from '../support/relay.ts';
import { eventually, openSession } from '../support/session.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

let server: ZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server[Symbol.asyncDispose]());

const web: Instance = { host: '10.0.0.1', port: 80, name: 'vm-1' };
const { signal } = new AbortController();
let count = 0;

describe.each(['persistent', 'persistent_sequential'] as const)('a %s record', (nodeType) => {
  /** A registry behind a relay that loses the answers to all that is sent from now on. */
  async function createScene() {
    const path = `/services/${nodeType}-${count++}`;
    const other = await openSession({ hosts: [server.hosts] });
    const relay = await startRelay(server.port);
    const { hosts } = relay;
    const deps = { log: silentLog, metrics: createMetrics() };
    const registry = createZooKeeperRegistry({ hosts: [hosts], timeout: 6_000, ...deps });
    await other.session.makePath(path);
    // Answered: it is connected.
    await registry.clearStale(path, web, signal);
    relay.swallowAnswers();
    return {
      relay,
      names: async () => (await other.session.list(path)).names,
      announce: (instance: Instance, own: AbortSignal) =>
        registry.announceAs({ nodeType }, path, instance, own),
      [Symbol.asyncDispose]: async () => {
        await registry[Symbol.asyncDispose]();
        await relay[Symbol.asyncDispose]();
        await other[Symbol.asyncDispose]();
      },
    };
  }

  test('that is withdrawn before its creation was answered is deleted, and said to be gone no sooner', async () => {
    await using scene = await createScene();
    const withdrawn = new AbortController();
    const ended = scene.announce(web, withdrawn.signal).catch((error: unknown) => error);
    await eventually(async () => expect(await scene.names()).toHaveLength(1));
    withdrawn.abort();
    expect(await Promise.race([ended, sleep(300, 'waits')])).toBe('waits');
    scene.relay.cut();
    expect(await ended).toMatchObject({ code: 'ABORTED' });
    expect(await scene.names()).toEqual([]);
  });

  test('whose creation was not answered is taken as it is, and stands once', async () => {
    await using scene = await createScene();
    const announced = scene.announce(web, signal);
    await eventually(async () => expect(await scene.names()).toHaveLength(1));
    const before = await scene.names();
    scene.relay.cut();
    const announcement = await announced;
    expect(await scene.names()).toEqual(before);
    await announcement[Symbol.asyncDispose]();
    expect(await scene.names()).toEqual([]);
  });

  test('that is withdrawn unanswered takes no other one with it', async () => {
    await using scene = await createScene();
    const withdrawn = new AbortController();
    const ended = scene.announce(web, withdrawn.signal).catch((error: unknown) => error);
    await eventually(async () => expect(await scene.names()).toHaveLength(1));
    withdrawn.abort();
    const same = scene.announce(web, signal).catch(() => scene.announce(web, signal));
    scene.relay.cut();
    await ended;
    const announcement = await same;
    expect(await scene.names()).toHaveLength(1);
    await announcement[Symbol.asyncDispose]();
    expect(await scene.names()).toEqual([]);
  });
});
