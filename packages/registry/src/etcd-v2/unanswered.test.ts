import { describe, expect, test } from 'vitest';

import { Unconfirmed } from '../registry.ts';
import type { EtcdV2Registry } from './etcd-v2.ts';
import { createScene, first, type Scene, web } from './scene.fixture.ts';

test.concurrent('what was announced and not answered is taken over by the next try, and withdrawn with it', async () => {
  await using scene = await createScene();
  const { server, announce } = scene;
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
  async function announceUnanswered(
    { server, announce }: Scene,
    unanswered: string,
    instance = web,
    at?: EtcdV2Registry,
  ): Promise<Unconfirmed> {
    server.onDone = (method, response) => {
      if (method === unanswered) response.destroy();
    };
    const error = await announce(instance, undefined, undefined, at).catch(
      (reason: unknown) => reason,
    );
    server.onDone = undefined;
    expect(error).toBeInstanceOf(Unconfirmed);
    return error as Unconfirmed;
  }

  test.concurrent('is withdrawn once etcd answers again', async () => {
    await using scene = await createScene();
    const { server } = scene;
    const error = await announceUnanswered(scene, 'POST');
    expect(server.values()).toEqual({ [first]: web });
    server.instead = (_, response) => response.destroy();
    await expect(error[Symbol.asyncDispose]()).rejects.toThrow(/^cannot GET /);
    server.instead = undefined;
    await error[Symbol.asyncDispose]();
    expect(server.values()).toEqual({});
  });

  test.concurrent('nothing of others is withdrawn with it', async () => {
    await using scene = await createScene();
    const { server, open } = scene;
    const error = await announceUnanswered(scene, 'POST');
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

  test.concurrent('what the next try took over stays', async () => {
    await using scene = await createScene();
    const { server, announce } = scene;
    const error = await announceUnanswered(scene, 'POST');
    await announce();
    await error[Symbol.asyncDispose]();
    expect(server.values()).toEqual({ [first]: web });
  });

  test.concurrent('what was taken over and written without an answer is withdrawn', async () => {
    await using scene = await createScene();
    const { server, open, announce } = scene;
    await announce();
    await using next = open();
    server.onDone = undefined;
    const error = await announceUnanswered(scene, 'PUT', { ...web, weight: 2 }, next);
    expect(server.values()).toEqual({ [first]: { ...web, weight: 2 } });
    await error[Symbol.asyncDispose]();
    expect(server.values()).toEqual({});
  });

  test.concurrent('one that is cancelled, and whose deletion is refused, is withdrawn later', async () => {
    await using scene = await createScene();
    const { server, ended, announce } = scene;
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

test.concurrent('one that is cancelled on its way does not stand', async () => {
  await using scene = await createScene();
  const { server, ended, announce } = scene;
  server.onDone = (method) => {
    if (method === 'POST') ended.abort(new Error('stopped'));
  };
  await expect(announce()).rejects.toThrow('stopped');
  expect(server.values()).toEqual({});
});

test.concurrent('a key of before that could not be written is taken over by the next try', async () => {
  await using scene = await createScene();
  const { server, ended, open, announce } = scene;
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
