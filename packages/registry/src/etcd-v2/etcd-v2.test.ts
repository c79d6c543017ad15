import type { RequestListener } from 'node:http';

import { silentLog } from '@smartstack/daemon';
import { expect, test, vi } from 'vitest';

import { createEtcdV2Registry } from './etcd-v2.ts';
import { createScene, first, web } from './scene.fixture.ts';
import { startEtcd } from './server.fixture.ts';

test.concurrent('an announcement is a numbered key below path and name, written again before it expires', async () => {
  await using scene = await createScene();
  const { server, announce, writes } = scene;
  await announce();
  expect(server.values()).toEqual({ [first]: web });
  expect(server.asked.at(-1)).toMatch(/^POST \/v2\/keys\/services\/web\/vm-1 value=.*&ttl=1$/);
  await vi.waitFor(() => expect(writes().length).toBeGreaterThan(1), 5000);
  expect(writes()[0]).toMatch(/^PUT \/v2\/keys\/services\/web\/vm-1\/0+1 value=.*&ttl=1$/);
});

test.concurrent('the time to live is rounded up to whole seconds, and / is a path', async () => {
  await using scene = await createScene();
  const { server, announce } = scene;
  await announce(web, '/', 2500);
  expect(server.asked.at(-1)).toMatch(/^POST \/v2\/keys\/vm-1 .*&ttl=3$/);
});

test.concurrent('a changed instance is written in place', async () => {
  await using scene = await createScene();
  const { server, ended, announce } = scene;
  const announced = await announce();
  await announced.update({ ...web, weight: 7 }, ended.signal);
  expect(server.values()).toEqual({ [first]: { ...web, weight: 7 } });
});

test.concurrent('a key that expired while etcd did not answer is there again', async () => {
  await using scene = await createScene();
  const { server, announce } = scene;
  await announce();
  server.expire();
  await vi.waitFor(() => expect(server.values()).toEqual({ [first]: web }), 5000);
});

test.concurrent('withdrawing deletes the key, and one that is gone is no error', async () => {
  await using scene = await createScene();
  const { server, announce } = scene;
  const announced = await announce();
  await announced[Symbol.asyncDispose]();
  expect(server.values()).toEqual({});
  const other = await announce();
  server.expire();
  await other[Symbol.asyncDispose]();
});

test.concurrent('the end withdraws everything', async () => {
  await using scene = await createScene();
  const { server, registry, announce } = scene;
  await announce();
  await announce({ ...web, port: 81 });
  await registry[Symbol.asyncDispose]();
  expect(server.values()).toEqual({});
});

test.concurrent('what an earlier process left is taken over, and nothing of others', async () => {
  await using scene = await createScene();
  const { server, ended, open, announce } = scene;
  await announce();
  await announce({ ...web, port: 81 });
  const before = server.values();
  await using next = open();
  const again = await next.announce(1000, '/services/web', { ...web, weight: 2 }, ended.signal);
  expect(server.values()).toEqual({ ...before, [first]: { ...web, weight: 2 } });
  await again[Symbol.asyncDispose]();
  expect(Object.keys(server.values())).not.toContain(first);
});

test.concurrent('copies of one service each have a key of their own', async () => {
  await using scene = await createScene();
  const { server, announce } = scene;
  await Promise.all([announce(), announce(), announce()]);
  expect(Object.keys(server.values())).toHaveLength(3);
});

test.concurrent('a server that answers nothing in time is an error, and is asked again later', async () => {
  await using scene = await createScene();
  const { server, announce } = scene;
  server.instead = () => {};
  await expect(announce()).rejects.toThrow(/^cannot GET .*vm-1: no whole answer in 1000 ms$/);
  server.instead = undefined;
  await announce();
  expect(server.values()).toEqual({ [first]: web });
});

test.concurrent('a wait for the server ends with the signal', async () => {
  await using scene = await createScene();
  const { server, ended, announce } = scene;
  server.instead = () => ended.abort(new Error('stopped'));
  await expect(announce()).rejects.toThrow('stopped');
});

test.concurrent('trouble while it stands is logged once, and its end too', async () => {
  await using scene = await createScene();
  const { server, log, announce, writes } = scene;
  await announce();
  server.instead = (_, response) => response.writeHead(500).end();
  await vi.waitFor(() => expect(log.error).toHaveBeenCalled(), 5000);
  const count = writes().length;
  await vi.waitFor(() => expect(writes().length).toBeGreaterThan(count + 1), 5000);
  server.instead = undefined;
  await vi.waitFor(() => expect(log.info).toHaveBeenCalled(), 5000);
  expect(log.error).toHaveBeenCalledTimes(1);
  expect(log.error.mock.calls[0]).toEqual([
    {
      key: first,
      reason: expect.stringContaining('answered 500'),
      expires: '1 s',
      fix: expect.stringContaining('lets it write there'),
    },
    'cannot write etcd key',
  ]);
});

test.concurrent.each<[string, RequestListener, RegExp]>([
  ['an etcd without the v2 API', (_, r) => r.writeHead(404).end('404 page not found'), /enable-v2/],
  ['garbage', (_, r) => r.end('<html>'), /answered 200 and not as etcd's v2 API does$/],
  ['an empty answer', (_, r) => r.end(), /answered 200 and not as/],
  ['a cut connection', (_, r) => r.destroy(), /cannot GET http.*closed/],
  ['half an answer', (_, r) => r.writeHead(200, { 'content-length': '99' }).end('{'), /cannot GET/],
  [
    'an error of etcd',
    (_, r) =>
      r.writeHead(500).end('{"errorCode":300,"message":"Raft Internal Error","cause":"no leader"}'),
    /Raft Internal Error \(300\): no leader$/,
  ],
])('%s is an error that says so', async (_, answer, message) => {
  await using scene = await createScene();
  const { server, announce } = scene;
  server.instead = answer;
  await expect(announce()).rejects.toThrow(message);
});

test.concurrent('a follower that sends on to its leader is followed', async () => {
  await using scene = await createScene();
  const { server, announce } = scene;
  const leader = await startEtcd();
  try {
    server.instead = (request, response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${leader.port}${request.url}` }).end();
    const announced = await announce();
    expect(leader.values()).toEqual({ [first]: web });
    await announced[Symbol.asyncDispose]();
  } finally {
    await leader[Symbol.asyncDispose]();
  }
});

test('no server at all is an error that names it', async () => {
  const { port, ...server } = await startEtcd();
  await server[Symbol.asyncDispose]();
  await using registry = createEtcdV2Registry({ host: '127.0.0.1', port }, { log: silentLog });
  const { signal } = new AbortController();
  await expect(registry.announce(1000, '/services/web', web, signal)).rejects.toThrow(
    new RegExp(`^cannot GET http://127.0.0.1:${port}/v2/keys/services/web/vm-1: .*ECONNREFUSED`),
  );
});
