import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { protocols } from './no-lost-requests/protocols.ts';
import { type Scene, startScene, takenBetween } from './no-lost-requests/scene.fixture.ts';

/** Requests of each protocol in each test, at least; `REQUESTS=100000` is the whole measurement. */
const requests = Number(process.env.REQUESTS ?? 2_000);
/** Whether as much as is promised happens meanwhile, which takes its time. */
const isWhole = requests >= 25_000;
/** Of each protocol, at most so many a second. */
const rate = 1_000;
const timeout = isWhole ? 3_600_000 : 120_000;

const names = [...'abcdefghijkl'];
let scene: Scene;
/** Envoy's counters of the members that it took. */
const endpoints = protocols.map((protocol) => `cluster.${protocol}.update_success`).sort();

beforeAll(async () => {
  scene = await startScene();
  for (const name of names) await scene.open(name);
  for (const name of names.slice(0, -1)) await scene.announce(name);
  await scene.settled();
});

afterAll(() => scene[Symbol.asyncDispose]());

/**
 * Repeats a step under requests of every protocol, so often at least and until all requests were sent; none may be lost
 * or come twice, and Envoy is the same process afterwards.
 */
async function underLoad(
  title: string,
  { atLeast, few }: { readonly atLeast: number; readonly few: number },
  step: (n: number) => Promise<void>,
): Promise<void> {
  const least = isWhole ? atLeast : few;
  const envoys = await scene.envoys();
  const before = await scene.told();
  await scene.members.count();
  const since = performance.now();
  await using load = scene.sender.start({ ports: scene.ports, atLeast: requests, rate });
  let steps = 0;
  for (; steps < least || !load.isEnough; steps += 1) await step(steps);
  const seconds = (performance.now() - since) / 1_000;
  const sent = await load.end();
  await scene.settled();
  const counted = await scene.members.count();
  const rows = protocols.map((protocol) => {
    const { sent: all, failed } = sent[protocol];
    return `${protocol} ${failed} of ${all} lost`;
  });
  const after = await scene.told();
  const responses = after.responses - before.responses;
  const told = `${responses} responses, ${after.bytes - before.bytes} bytes`;
  process.stdout.write(
    `${title}: ${steps} in ${seconds.toFixed(0)} s, ${told}; ${rows.join(', ')}\n`,
  );
  for (const protocol of protocols) {
    const { sent: all, failed, reasons } = sent[protocol];
    expect(reasons, protocol).toEqual({});
    expect(failed).toBe(0);
    expect(all).toBeGreaterThanOrEqual(requests);
    expect(counted[protocol], protocol).toEqual({ requests: all, duplicates: 0 });
  }
  expect(await scene.envoys()).toEqual(envoys);
}

test('a synapse that is back sends nothing that has not changed', async () => {
  const before = await scene.told();
  await scene.kill();
  await scene.restart();
  expect(await scene.told()).toEqual(before);
  // The next thing that it sends is a change.
  await scene.announce('l');
  await scene.settled();
  const change = takenBetween(before, await scene.told());
  expect(change).toEqual(Object.fromEntries(endpoints.map((name) => [name, 1])));
});

test('while ZooKeeper is killed no request is lost, and Envoy is sent nothing', {
  timeout,
}, async () => {
  await underLoad('kill -9 of ZooKeeper', { atLeast: 5, few: 1 }, async (n) => {
    await scene.settled();
    const before = await scene.told();
    await scene.zookeeper.kill('SIGKILL');
    await sleep(2_000);
    await scene.zookeeper.start();
    expect(await scene.told()).toEqual(before);
    // The next thing that it is sent is a change.
    const name = names[n % names.length] ?? '';
    await scene.withdraw(name);
    await scene.settled();
    // Each service's member is draining first, and gone then; a slow machine hears of both at once.
    const change = takenBetween(before, await scene.told());
    expect(Object.keys(change).sort()).toEqual(endpoints);
    expect(Math.max(...Object.values(change))).toBeLessThanOrEqual(2);
    await scene.announce(name);
    await scene.settled();
  });
});

test('no request is lost while members come and go, 20 a second', { timeout }, async () => {
  const away: string[] = [];
  let due = performance.now();
  await underLoad('membership changes', { atLeast: 500, few: 60 }, async (n) => {
    const name = names[(n / 2) % names.length] ?? '';
    if (n % 2 === 0) {
      // Half are away at a time, for longer than it takes until Envoy has let them go.
      await scene.withdraw(name);
      away.push(name);
    } else if (away.length > names.length / 2) await scene.announce(away.shift() ?? '');
    due += 50;
    await sleep(Math.max(0, due - performance.now()));
  });
  for (const name of away) await scene.announce(name);
  await scene.settled();
});

test('no request is lost while synapse is killed and members change', { timeout }, async () => {
  await underLoad('kill -9 of synapse', { atLeast: 10, few: 3 }, async (n) => {
    const name = names[n % names.length] ?? '';
    await scene.withdraw(name);
    // Sometimes it has told of that, and sometimes it has not.
    await sleep(Math.random() * 50);
    await scene.kill();
    const isBack = n % 2 === 0;
    if (isBack) await scene.announce(name);
    await scene.restart();
    if (!isBack) await scene.announce(name);
    await scene.settled();
  });
});

test('no request is lost while every member is replaced by another', { timeout }, async () => {
  let now = [...names];
  await underLoad('members replaced, two at a time', { atLeast: 6, few: 6 }, async (n) => {
    const old = now.slice(0, 2);
    const next = [`new-${n}`, `other-${n}`];
    for (const name of next) await scene.open(name);
    for (const name of next) await scene.announce(name);
    await scene.settled();
    for (const name of old) await scene.withdraw(name);
    await scene.settled();
    for (const name of old) await scene.close(name);
    now = [...now.slice(2), ...next];
  });
  names.splice(0, names.length, ...now);
});

test('no request is lost while services are added and removed', { timeout }, async () => {
  await underLoad('services added and removed', { atLeast: 50, few: 5 }, async (n) => {
    const port = await freePort();
    await scene.beside({ [`other-${n}`]: scene.another(port) });
    await until(() => answered(port));
    for (let again = 0; again < 5; again += 1) expect(await answered(port)).toBe(true);
    await scene.beside({});
    await until(() => answered(port).then((is) => !is));
  });
});

/** Whether a member answers at a port, on a connection of its own. */
function answered(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/health', agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200));
    }).on('error', () => resolve(false));
  });
}
