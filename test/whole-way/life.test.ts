import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { type Copy, startCopy } from '../support/copies.ts';
import { freePort } from '../support/ports.ts';
import { createStage, type Stage } from '../support/stage.ts';
import { workerOf } from '../support/stats-socket.ts';
import { plainRequests, startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

const service = fileURLToPath(new URL('../../examples/http-service/service.js', import.meta.url));
const sessionTimeout = 4; // seconds; the least that a ZooKeeper with a tick of 2 s grants

let zookeeper: Awaited<ReturnType<typeof startZooKeeper>>;
beforeAll(async () => {
  zookeeper = await startZooKeeper();
});
afterAll(async () => {
  await zookeeper[Symbol.asyncDispose]();
});

describe('nerve, ZooKeeper, synapse and HAProxy', () => {
  let stage: Stage;
  let copies: Copy[];
  let count = 0;

  beforeEach(async () => {
    copies = await Promise.all(['web-1', 'web-2', 'web-3'].map(startCopy));
    stage = await createStage(
      { zookeeper: { hosts: [zookeeper.hosts], session_timeout: sessionTimeout } },
      `/services/web-${count++}`,
    );
  });
  afterEach(async () => {
    await stage[Symbol.asyncDispose]();
    await Promise.all(copies.map((copy) => copy[Symbol.asyncDispose]()));
  });

  const portsOf = (which: readonly { readonly port: number }[]) =>
    which.map(({ port }) => port).sort();
  const rotationIs = (which: readonly { readonly port: number }[], patience?: number) =>
    until(
      async () =>
        JSON.stringify((await stage.rotation()).toSorted()) === JSON.stringify(portsOf(which)),
      patience,
    );

  test('healthy copies are in rotation, and requests are spread over all of them', async () => {
    await stage.nerve(copies);
    await stage.synapse();
    await rotationIs(copies);
    const ended = new AbortController();
    const traffic = startTraffic(stage.port, 100, ended.signal);
    await until(() => traffic.byCopy.size === 3);
    ended.abort();
    await traffic.done;
    expect(traffic.lost).toBe(0);
  });

  test('a copy that fails its check leaves, and comes back when it passes again', async () => {
    await stage.nerve(copies);
    await stage.synapse();
    await rotationIs(copies);
    copies[0]?.healthy(false);
    await rotationIs(copies.slice(1));
    copies[0]?.healthy(true);
    await rotationIs(copies);
  });

  test('a copy that is killed −9 is gone from rotation, and no request after its end is lost', async () => {
    const port = await freePort();
    const victim = execa(process.execPath, [service, '--name', 'web-4', '--port', String(port)], {
      reject: false,
    });
    await stage.nerve([...copies, { name: 'web-4', port }]);
    await stage.synapse();
    await rotationIs([...copies, { port }]);
    const ended = new AbortController();
    let dead = Number.POSITIVE_INFINITY;
    const lost: string[] = [];
    const traffic = startTraffic(stage.port, 100, ended.signal, {
      ...plainRequests,
      // One that it had taken goes with it.
      lost: (_, since, reason) => void (since > dead && lost.push(reason)),
    });
    await until(() => traffic.byCopy.has('web-4'));
    victim.once('exit', () => {
      dead = Date.now();
    });
    victim.kill('SIGKILL');
    await rotationIs(copies);
    ended.abort();
    await traffic.done;
    expect(lost).toEqual([]);
    await victim;
  });

  test('SIGTERM of nerve withdraws every announcement before it exits', async () => {
    const nerve = await stage.nerve(copies);
    await stage.synapse();
    await rotationIs(copies);
    nerve.kill('SIGTERM');
    expect(await nerve.exited).toBe(0);
    await rotationIs([], 1500);
  });

  test('a nerve that is killed −9 and starts again inside its session timeout takes nothing out of rotation', async () => {
    const nerve = await stage.nerve(copies);
    await stage.synapse();
    await rotationIs(copies);
    const ended = new AbortController();
    const traffic = startTraffic(stage.port, 100, ended.signal);
    nerve.kill('SIGKILL');
    await nerve.exited;
    await stage.nerve(copies);
    const until = performance.now() + (sessionTimeout + 2) * 1000;
    while (performance.now() < until)
      expect((await stage.rotation()).length).toBeGreaterThanOrEqual(3);
    ended.abort();
    await traffic.done;
    expect(traffic.lost).toBe(0);
    await rotationIs(copies);
  });

  test('the services of a machine that died leave when its session has timed out', async () => {
    const nerve = await stage.nerve(copies);
    await stage.synapse();
    await rotationIs(copies);
    nerve.kill('SIGKILL');
    await rotationIs([], (sessionTimeout * 2 + 4) * 1000);
  });

  test('killed −9, synapse leaves HAProxy serving; the next one takes over the same worker and what changed meanwhile', async () => {
    await stage.nerve(copies);
    const synapse = await stage.synapse();
    await rotationIs(copies);
    const worker = await workerOf(stage.haproxy);
    const ended = new AbortController();
    const traffic = startTraffic(stage.port, 100, ended.signal);
    synapse.kill('SIGKILL');
    await synapse.exited;
    copies[0]?.healthy(false);
    const answered = traffic.answered;
    await until(() => traffic.answered > answered + 20);
    await stage.synapse();
    await rotationIs(copies.slice(1));
    ended.abort();
    await traffic.done;
    expect([...traffic.reasons]).toEqual([]);
    expect(await workerOf(stage.haproxy)).toBe(worker);
  });

  test('a HAProxy that is killed −9 is started again with the last members', async () => {
    await stage.nerve(copies);
    await stage.synapse();
    await rotationIs(copies);
    const worker = await workerOf(stage.haproxy);
    process.kill(worker, 'SIGKILL');
    await until(async () => {
      const next = await workerOf(stage.haproxy);
      return next !== worker && next > 0;
    });
    await rotationIs(copies);
    const ended = new AbortController();
    const traffic = startTraffic(stage.port, 100, ended.signal);
    await until(() => traffic.byCopy.size === 3);
    ended.abort();
    await traffic.done;
    expect(traffic.lost).toBe(0);
  });
});
