import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { createConnection } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { until } from '../support/until.ts';
import { startUnreachable } from './hung.fixture.ts';
import { type Scene, startScene } from './scene.fixture.ts';
import { differs, subjects } from './subject.fixture.ts';
import { ask, late, startMember } from './world.fixture.ts';

const asked = {
  connections: { policy: { limits: { connections: 2 } } },
  noneWaits: { policy: { limits: { per_member: 1, pending: 0 }, timeouts: { queue: '5s' } } },
  free: { policy: { limits: { pending: 0 } } },
  perMember: { policy: { limits: { per_member: 1 } } },
  queue: { policy: { limits: { per_member: 1 }, timeouts: { queue: '200ms' } } },
  idle: { policy: { timeouts: { idle: '300ms' } } },
  connect: { policy: { timeouts: { connect: '150ms' }, retries: { attempts: 1 } } },
  unreachable: { policy: { timeouts: { connect: '150ms' }, retries: { attempts: 0 } } },
};
type Name = keyof typeof asked;

describe.each(subjects)('limits and timeouts on $title', (subject) => {
  let scene: Scene<Name>;
  beforeAll(async () => {
    const [lone, paired] = await Promise.all([startUnreachable('a'), startUnreachable('a')]);
    scene = await startScene<Name>(
      {
        ...asked,
        connect: { ...asked.connect, members: [paired, await startMember('b')] },
        unreachable: { ...asked.unreachable, members: [lone] },
      },
      subject,
    );
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  describe.concurrent('they hold', () => {
    test('limits.connections refuses what is too much, and only that', async () => {
      const { port } = scene.cases.connections;
      const held = [await answered(port), await answered(port)];
      await expect(ask(port)).rejects.toThrow();
      held[0]?.destroy();
      await until(async () => (await ask(port)).status === 200);
      held[1]?.destroy();
    });

    test('limits.pending: 0 serves who finds a member free, and lets nobody wait', async () => {
      const { port, members } = scene.cases.noneWaits;
      for (const member of members) member.behave(late(700));
      const first = [ask(port), ask(port)];
      await until(() => members.every(({ seen }) => seen.length === 1));
      const others = await Promise.all([ask(port), ask(port), ask(port)]);
      const refused = differs(subject, 'limits.pending: 0 answers who would wait with', {
        haproxy: 503,
        envoy: 200,
      });
      expect(others.map((each) => each.status)).toEqual(Array(3).fill(refused));
      expect((await Promise.all(first)).map((each) => each.status)).toEqual([200, 200]);
      expect((await ask(port)).status).toBe(200);
      const free = await Promise.all(Array.from({ length: 6 }, () => ask(scene.cases.free.port)));
      expect(free.map((each) => each.status)).toEqual([200, 200, 200, 200, 200, 200]);
    });

    test('limits.per_member lets others wait', async () => {
      const { port, members } = scene.cases.perMember;
      let most = 0;
      let now = 0;
      members[0]?.behave((_, response) => {
        most = Math.max(most, ++now);
        setTimeout(() => {
          now--;
          response.end('a');
        }, 50);
      });
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(port)));
      expect(answers.map((each) => each.status)).toEqual(Array(8).fill(200));
      expect(most).toBe(1);
    });

    test('timeouts.queue ends a wait with 503', async () => {
      const { port, members } = scene.cases.queue;
      for (const member of members) member.behave(late(1500));
      const busy = [ask(port), ask(port)];
      await until(() => members.every(({ seen }) => seen.length === 1));
      const { status, took } = await ask(port);
      const ends = differs(subject, 'timeouts.queue ends a wait', { haproxy: true, envoy: false });
      expect(status).toBe(ends ? 503 : 200);
      expect(took).toBeGreaterThan(190);
      if (ends) expect(took).toBeLessThan(1000);
      await Promise.all(busy);
    });

    test('timeouts.idle ends a connection that carries nothing', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const asked = get({ host: '127.0.0.1', port: scene.cases.idle.port, agent });
      const socket = await new Promise<import('node:net').Socket>((resolve, reject) => {
        asked.once('socket', resolve).once('error', reject);
      });
      asked.once('response', (response) => response.resume());
      const start = performance.now();
      await once(socket, 'close');
      const took = performance.now() - start;
      expect(took).toBeGreaterThan(280);
      expect(took).toBeLessThan(2000);
      agent.destroy();
    });

    test('timeouts.connect: another member is tried', async () => {
      const { port, members } = scene.cases.connect;
      const answers = [await ask(port), await ask(port)];
      expect(answers.map(({ status, body }) => [status, body])).toEqual([
        [200, 'b'],
        [200, 'b'],
      ]);
      const slowest = Math.max(...answers.map(({ took }) => took));
      expect(slowest).toBeGreaterThan(140);
      expect(slowest).toBeLessThan(1200);
      expect(members[1]?.seen).toHaveLength(2);
    });

    test('timeouts.connect: where nobody answers it is 503', async () => {
      const { status, took } = await ask(scene.cases.unreachable.port);
      expect(status).toBe(503);
      expect(took).toBeGreaterThan(140);
      expect(took).toBeLessThan(1200);
    });
  });
});

/** A connection that is still open after its first answer. */
async function answered(port: number) {
  const socket = createConnection(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: web\r\n\r\n');
  await once(socket, 'data');
  return socket;
}
