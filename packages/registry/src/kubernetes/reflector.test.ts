import type { ServerResponse } from 'node:http';

import { silentLog } from '@smartstack/daemon';
import { type TestContext, test } from 'vitest';

import { createHttpClient } from '../http/client.ts';
import { startServer } from '../http/server.fixture.ts';
import { createHealth } from './health.ts';
import { createReflector } from './reflector.ts';
import { createStore } from './store.ts';

const sliceOf = (service: string, resourceVersion: string, address: string) => ({
  metadata: {
    name: `${service}-a`,
    namespace: 'shop',
    resourceVersion,
    labels: { 'kubernetes.io/service-name': service },
  },
  addressType: 'IPv4',
  endpoints: [{ addresses: [address] }],
});

/** A reflector of a server whose next list is `server.list`, and whose watches are kept open. */
async function setUp(onTestFinished: TestContext['onTestFinished'], patience = 300) {
  const watches: ServerResponse[] = [];
  const state = {
    version: '10',
    items: [sliceOf('web', '9', '10.0.0.1')],
    hold: Promise.resolve(),
  };
  const server = await startServer((request, response) => {
    if (request.url?.includes('watch=')) {
      watches.push(response);
      response.flushHeaders();
      return;
    }
    const { version: resourceVersion, items, hold } = state;
    const list = { kind: 'EndpointSliceList', apiVersion: 'discovery.k8s.io/v1', items };
    void hold.then(() => response.end(JSON.stringify({ ...list, metadata: { resourceVersion } })));
  });
  const connect = () => createHttpClient({ url: new URL(server.url) });
  const clients = [connect()];
  const wanted = new Set(['web']);
  const store = createStore();
  const health = createHealth();
  const listed: (readonly string[])[] = [];
  const troubles: (string | undefined)[] = [];
  const reflector = createReflector({
    cluster: {
      connect: async () => ({
        client: clients.at(-1) ?? connect(),
        namespace: 'shop',
        refused: () => {},
      }),
      [Symbol.dispose]: () => {},
    },
    namespace: 'shop',
    store,
    health,
    log: silentLog,
    watchTimeout: 60_000,
    patience,
    wanted: () => wanted,
    onList: (services) => void listed.push([...(services ?? ['all'])]),
    onChange: () => {},
    onTrouble: (reason) => void troubles.push(reason),
  });
  const ended = new AbortController();
  const done = reflector.run(ended.signal);
  onTestFinished(async () => {
    ended.abort();
    await done;
    for (const client of clients) client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });
  const address = () => store.of('shop/web')[0]?.endpoints[0]?.address;
  /** The credentials, or the server, are others from now on. */
  const connectAnew = () => void clients.push(connect());
  return {
    ...{ reflector, state, server, watches, wanted, listed, troubles, health, address },
    connectAnew,
  };
}

test.concurrent('versions that went back are not believed at first, and taken once they stay', async ({
  expect,
  onTestFinished,
}) => {
  const { state, watches, troubles, health, address } = await setUp(onTestFinished);
  await expect.poll(() => watches.length).toBe(1);
  // A restored backup counts anew: the version of the slice is the same, its content is not.
  Object.assign(state, { version: '5', items: [sliceOf('web', '9', '10.0.0.2')] });
  const gone = { kind: 'Status', code: 410, message: 'too old' };
  watches[0]?.end(`${JSON.stringify({ type: 'ERROR', object: gone })}\n`);
  await expect.poll(() => troubles.at(-1), { timeout: 5000 }).toContain('went back from 10 to 5');
  expect(address()).toBe('10.0.0.1');
  await expect.poll(address, { timeout: 10_000 }).toBe('10.0.0.2');
  await expect.poll(() => troubles.at(-1)).toBeUndefined();
  expect(health.last()).toBeDefined();
});

test.concurrent('a service that comes while a list is under way is listed at once after it', async ({
  expect,
  onTestFinished,
}) => {
  const { reflector, state, server, wanted, listed, watches } = await setUp(onTestFinished);
  let release = () => {};
  state.hold = new Promise((resolve) => {
    release = resolve;
  });
  await expect.poll(() => server.asked.length).toBe(1);
  wanted.add('api');
  reflector.widen();
  release();
  await expect.poll(() => watches.length).toBe(1);
  expect(listed).toEqual([['web'], ['api', 'web']]);
});

test.concurrent('a service that is not followed any more costs no list', async ({
  expect,
  onTestFinished,
}) => {
  const { reflector, wanted, listed, watches } = await setUp(onTestFinished);
  await expect.poll(() => watches.length).toBe(1);
  wanted.clear();
  reflector.widen();
  wanted.add('web');
  reflector.widen();
  expect(listed).toEqual([['web']]);
  expect(watches[0]?.destroyed).toBe(false);
});

test.concurrent('more services than a URL may name are all asked for', async ({
  expect,
  onTestFinished,
}) => {
  const { reflector, wanted, listed, server } = await setUp(onTestFinished);
  for (let n = 0; n < 1000; n++) wanted.add(`service-${n}`);
  reflector.widen();
  await expect.poll(() => listed.at(-1)).toEqual(['all']);
  expect(Math.max(...server.asked.map((url) => url.length))).toBeLessThan(7000);
});

test.concurrent('what another connection serves is listed: its versions may be those of another cluster', async ({
  expect,
  onTestFinished,
}) => {
  const { watches, listed, connectAnew } = await setUp(onTestFinished);
  await expect.poll(() => watches.length).toBe(1);
  connectAnew();
  watches[0]?.end();
  await expect.poll(() => watches.length, { timeout: 10_000 }).toBe(2);
  expect(listed).toEqual([['web'], ['web']]);
});

test.concurrent('a server that says no is well, and one that nobody asks any more makes nothing doubtful', ({
  expect,
}) => {
  const health = createHealth(() => 7);
  const [one, other] = [{}, {}];
  health.set(one, true);
  health.set(other, false);
  expect(health.last()).toBe(7);
  let time = 0;
  const later = createHealth(() => time);
  later.set(one, true);
  time = 5;
  later.set(one, false);
  time = 100;
  expect(later.last()).toBe(5);
});
