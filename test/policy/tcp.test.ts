import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { refusing } from './hung.fixture.ts';
import { type Asked, type Scene, startScene } from './scene.fixture.ts';
import { subjects } from './subject.fixture.ts';
import { waitingFor } from './waiting.fixture.ts';
import type { Member } from './world.fixture.ts';

/** A member that says its name to each connection and then waits, until told to listen no more. */
async function startTcp(name: string) {
  const sockets = new Set<Socket>();
  const accepted: number[] = [];
  const server = createServer((socket) => {
    accepted.push(performance.now());
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
    socket.write(name);
  });
  const port = await freePort();
  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen();
  const member: Member = {
    name,
    port,
    seen: [],
    behave: () => {},
    entry: { name, host: '127.0.0.1', port },
    [Symbol.asyncDispose]: close,
  };
  return { member, accepted, listen, close };
}

/** What a new connection hears first; it ends then, unless it is to be held. */
async function hear(port: number, held?: Socket[]): Promise<string> {
  const socket = createConnection(port, '127.0.0.1');
  held?.push(socket);
  try {
    const [first] = await Promise.race([
      once(socket, 'data'),
      once(socket, 'close').then(() => ['']),
    ]);
    return String(first);
  } finally {
    if (!held) socket.destroy();
  }
}

const more = { protocol: 'tcp' };
const ejection = { errors: 3, eject_for: '500ms', max_share: '60%' };
const asked = {
  spread: { policy: {}, more },
  refused: { policy: {}, more },
  idle: { policy: { timeouts: { idle: '300ms' } }, more },
  limited: { policy: { limits: { connections: 2 } }, more },
  perMember: { policy: { limits: { per_member: 1, pending: 1 }, timeouts: { queue: '3s' } }, more },
  ejected: { policy: { outlier_ejection: ejection, retries: { attempts: 0 } }, more },
};
type Name = keyof typeof asked;

describe.each(subjects)('connections on $title', (subject) => {
  let scene: Scene<Name>;
  const servers = new Map<string, Awaited<ReturnType<typeof startTcp>>>();
  beforeAll(async () => {
    const all: Record<string, Asked> = { ...asked };
    for (const [name, each] of Object.entries(asked)) {
      const [a, b] = await Promise.all([startTcp('a'), startTcp('b')]);
      servers.set(`${name}.a`, a).set(`${name}.b`, b);
      const first = name === 'refused' ? await refusing('a') : a.member;
      all[name] = { ...each, members: [first, b.member] };
    }
    scene = await startScene<Name>(all as Record<Name, Asked>, subject);
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
    for (const { close } of servers.values()) await close();
  });
  const heard = async (name: Name, count: number) => {
    const all: string[] = [];
    for (let i = 0; i < count; i++) all.push(await hear(scene.cases[name].port));
    return all.sort().join('');
  };

  describe.concurrent('are served', () => {
    test('by each member in turn, and by another one where one refuses', async () => {
      expect(await heard('spread', 6)).toBe('aaabbb');
      expect(await heard('refused', 6)).toBe('bbbbbb');
    });

    test('until they carry nothing for timeouts.idle', async () => {
      const held: Socket[] = [];
      const start = performance.now();
      await hear(scene.cases.idle.port, held);
      await once(held[0] as Socket, 'close');
      expect(performance.now() - start).toBeGreaterThan(280);
      expect(performance.now() - start).toBeLessThan(2000);
    });

    test('as many as limits.connections', async () => {
      const { port } = scene.cases.limited;
      const held: Socket[] = [];
      for (let i = 0; i < 2; i++) expect(await hear(port, held)).not.toBe('');
      expect(await hear(port).catch(() => '')).toBe('');
      held[0]?.destroy();
      await until(async () => (await hear(port).catch(() => '')) !== '');
      held[1]?.destroy();
    });

    test('as many as limits.per_member, and limits.pending wait', async () => {
      const { port } = scene.cases.perMember;
      const held: Socket[] = [];
      for (let i = 0; i < 2; i++) await hear(port, held);
      const waiting = hear(port);
      await until(async () => (await waitingFor('perMember', scene.world, subject)) === 1);
      expect(await hear(port).catch(() => '')).toBe('');
      held[0]?.destroy();
      expect(await waiting).toMatch(/^[ab]$/);
      held[1]?.destroy();
    });

    test('not by a member that refuses again and again, until it is back', async () => {
      const a = servers.get('ejected.a');
      await a?.close();
      const failed = (await heard('ejected', 20)).length;
      // Three errors eject it: the others reach b.
      expect(failed).toBeGreaterThanOrEqual(16);
      expect(await heard('ejected', 6)).toBe('bbbbbb');
      await a?.listen();
      await until(async () => (await hear(scene.cases.ejected.port)) === 'a');
    });
  });
});
