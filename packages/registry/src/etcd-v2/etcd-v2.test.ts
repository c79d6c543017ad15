import type { RequestListener } from 'node:http';

import { type Log, silentLog } from '@smartstack/daemon';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Instance } from '../instance/instance.ts';
import { Unconfirmed } from '../registry.ts';
import { createEtcdV2Registry, type EtcdV2Registry } from './etcd-v2.ts';
import { type EtcdServer, startEtcd } from './server.fixture.ts';

let server: EtcdServer;
let registry: EtcdV2Registry;
let ended: AbortController;
const log = { ...silentLog, error: vi.fn<Log['error']>(), info: vi.fn<Log['info']>() };
const web: Instance = { host: '10.0.0.1', port: 80, name: 'vm-1' };
const first = '/services/web/vm-1/00000000000000000001';

beforeEach(async () => {
  vi.clearAllMocks();
  server = await startEtcd();
  registry = open();
  ended = new AbortController();
});
afterEach(async () => {
  ended.abort();
  await registry[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const open = () => createEtcdV2Registry({ host: '127.0.0.1', port: server.port }, { log });
const announce = (instance = web, path = '/services/web', ttl = 1000) =>
  registry.announce(ttl, path, instance, ended.signal);
const writes = () => server.asked.filter((line) => line.startsWith('PUT'));

test('an announcement is a numbered key below path and name, written again before it expires', async () => {
  await announce();
  expect(server.values()).toEqual({ [first]: web });
  expect(server.asked.at(-1)).toMatch(/^POST \/v2\/keys\/services\/web\/vm-1 value=.*&ttl=1$/);
  await vi.waitFor(() => expect(writes().length).toBeGreaterThan(1), 5000);
  expect(writes()[0]).toMatch(/^PUT \/v2\/keys\/services\/web\/vm-1\/0+1 value=.*&ttl=1$/);
});

test('the time to live is rounded up to whole seconds, and / is a path', async () => {
  await announce(web, '/', 2500);
  expect(server.asked.at(-1)).toMatch(/^POST \/v2\/keys\/vm-1 .*&ttl=3$/);
});

test('a changed instance is written in place', async () => {
  const announced = await announce();
  await announced.update({ ...web, weight: 7 }, ended.signal);
  expect(server.values()).toEqual({ [first]: { ...web, weight: 7 } });
});

test('a key that expired while etcd did not answer is there again', async () => {
  await announce();
  server.expire();
  await vi.waitFor(() => expect(server.values()).toEqual({ [first]: web }), 5000);
});

test('withdrawing deletes the key, and one that is gone is no error', async () => {
  const announced = await announce();
  await announced[Symbol.asyncDispose]();
  expect(server.values()).toEqual({});
  const other = await announce();
  server.expire();
  await other[Symbol.asyncDispose]();
});

test('the end withdraws everything', async () => {
  await announce();
  await announce({ ...web, port: 81 });
  await registry[Symbol.asyncDispose]();
  expect(server.values()).toEqual({});
});

test('what an earlier process left is taken over, and nothing of others', async () => {
  await announce();
  await announce({ ...web, port: 81 });
  const before = server.values();
  await using next = open();
  const again = await next.announce(1000, '/services/web', { ...web, weight: 2 }, ended.signal);
  expect(server.values()).toEqual({ ...before, [first]: { ...web, weight: 2 } });
  await again[Symbol.asyncDispose]();
  expect(Object.keys(server.values())).not.toContain(first);
});

test('copies of one service each have a key of their own', async () => {
  await Promise.all([announce(), announce(), announce()]);
  expect(Object.keys(server.values())).toHaveLength(3);
});

test('what was announced and not answered is taken over by the next try, and withdrawn with it', async () => {
  server.onDone = (method, response) => {
    if (method === 'POST') response.destroy();
  };
  await expect(announce()).rejects.toThrow(/^cannot POST /);
  expect(Object.keys(server.values())).toHaveLength(1);
  server.onDone = undefined;
  const other = await announce({ ...web, port: 81 });
  const again = await announce();
  expect(Object.keys(server.values())).toHaveLength(2);
  await again[Symbol.asyncDispose]();
  expect(Object.values(server.values())).toEqual([{ ...web, port: 81 }]);
  await other[Symbol.asyncDispose]();
});

describe('an announcement that etcd carried out and did not answer', () => {
  /** Announces while etcd does not answer one kind of request. */
  async function announceUnanswered(unanswered: string, instance = web): Promise<Unconfirmed> {
    server.onDone = (method, response) => {
      if (method === unanswered) response.destroy();
    };
    const error = await announce(instance).catch((reason: unknown) => reason);
    server.onDone = undefined;
    expect(error).toBeInstanceOf(Unconfirmed);
    return error as Unconfirmed;
  }

  test('is withdrawn once etcd answers again', async () => {
    const error = await announceUnanswered('POST');
    expect(server.values()).toEqual({ [first]: web });
    server.instead = (_, response) => response.destroy();
    await expect(error[Symbol.asyncDispose]()).rejects.toThrow(/^cannot GET /);
    server.instead = undefined;
    await error[Symbol.asyncDispose]();
    expect(server.values()).toEqual({});
  });

  test('nothing of others is withdrawn with it', async () => {
    const error = await announceUnanswered('POST');
    await using other = open();
    const signal = new AbortController().signal;
    await other.announce(1000, '/services/web', { ...web, host: '10.0.0.2' }, signal);
    // Takes over what came of it.
    await other.announce(1000, '/services/web', web, signal);
    const before = server.values();
    expect(Object.keys(before)).toHaveLength(2);
    await error[Symbol.asyncDispose]();
    expect(server.values()).toEqual(before);
  });

  test('what the next try took over stays', async () => {
    const error = await announceUnanswered('POST');
    await announce();
    await error[Symbol.asyncDispose]();
    expect(server.values()).toEqual({ [first]: web });
  });

  test('what was taken over and written without an answer is withdrawn', async () => {
    await announce();
    await using next = open();
    [registry, server.onDone] = [next, undefined];
    const error = await announceUnanswered('PUT', { ...web, weight: 2 });
    expect(server.values()).toEqual({ [first]: { ...web, weight: 2 } });
    await error[Symbol.asyncDispose]();
    expect(server.values()).toEqual({});
  });

  test('one that is cancelled, and whose deletion is refused, is withdrawn later', async () => {
    server.onDone = (method) => {
      if (method !== 'POST') return;
      ended.abort(new Error('stopped'));
      server.instead = (_, response) => response.writeHead(500).end();
    };
    // The creation itself is answered: only what comes after is refused.
    const error = await announce().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Unconfirmed);
    server.instead = undefined;
    await (error as Unconfirmed)[Symbol.asyncDispose]();
    expect(server.values()).toEqual({});
  });
});

test('one that is cancelled on its way does not stand', async () => {
  server.onDone = (method) => {
    if (method === 'POST') ended.abort(new Error('stopped'));
  };
  await expect(announce()).rejects.toThrow('stopped');
  expect(server.values()).toEqual({});
});

test('a key of before that could not be written is taken over by the next try', async () => {
  await announce();
  await using next = open();
  const take = () => next.announce(1000, '/services/web', { ...web, weight: 2 }, ended.signal);
  server.onDone = (method, response) => {
    if (method === 'PUT') response.destroy();
  };
  await expect(take()).rejects.toThrow(/^cannot PUT /);
  server.onDone = undefined;
  await take();
  expect(server.values()).toEqual({ [first]: { ...web, weight: 2 } });
});

test('a server that answers nothing in time is an error, and is asked again later', async () => {
  server.instead = () => {};
  await expect(announce()).rejects.toThrow(/^cannot GET .*vm-1: no whole answer in 1000 ms$/);
  server.instead = undefined;
  await announce();
  expect(server.values()).toEqual({ [first]: web });
});

test('a wait for the server ends with the signal', async () => {
  server.instead = () => ended.abort(new Error('stopped'));
  await expect(announce()).rejects.toThrow('stopped');
});

test('trouble while it stands is logged once, and its end too', async () => {
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

test.each<[string, RequestListener, RegExp]>([
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
  server.instead = answer;
  await expect(announce()).rejects.toThrow(message);
});

test('a follower that sends on to its leader is followed', async () => {
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
  const { port } = server;
  await server[Symbol.asyncDispose]();
  await expect(announce()).rejects.toThrow(
    new RegExp(`^cannot GET http://127.0.0.1:${port}/v2/keys/services/web/vm-1: .*ECONNREFUSED`),
  );
  server = await startEtcd();
});
