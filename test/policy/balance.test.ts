import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { until } from '../support/until.ts';
import { type Scene, startScene } from './scene.fixture.ts';
import { differs, subjects } from './subject.fixture.ts';
import { type Asked, ask, late, startMember, status, tally } from './world.fixture.ts';

const three = ['v1', 'v2', 'v3'];
const ejection = { errors: 2, eject_for: '300ms', max_share: '60%' };
const asked = {
  least: { policy: { balance: 'least_request' } },
  random: { policy: { balance: 'random' } },
  ring: { policy: { balance: { ring_hash: { cookie: 'user' } } }, versions: three },
  maglev: { policy: { balance: { maglev: { header: 'x-user' } } }, versions: three },
  source: { policy: { balance: { ring_hash: 'source' } } },
  slow: { policy: { slow_start: '4s', outlier_ejection: ejection, retries: { attempts: 0 } } },
  slowComer: { policy: { slow_start: '4s' } },
};
type Name = keyof typeof asked;
const users = Array.from({ length: 30 }, (_, index) => `user-${index}`);

describe.each(subjects)('how $title chooses a member', (subject) => {
  let scene: Scene<Name>;
  beforeAll(async () => {
    scene = await startScene<Name>(asked, subject);
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  describe.concurrent('by', () => {
    test('least_request: not one that is busy', async () => {
      const { port, members } = scene.cases.least;
      members[0]?.behave(late(1500));
      // The other one has answered by then, so that this one alone is busy.
      const asked = [ask(port)];
      while (members[0]?.seen.length === 0) {
        await Promise.race([asked.at(-1), sleep(200)]);
        if (members[0]?.seen.length === 0) asked.push(ask(port));
      }
      expect(await tally(20, () => ask(port))).toEqual({ b: 20 });
      await Promise.all(asked);
    });

    test('random: each one gets some', async () => {
      const { a = 0, b = 0 } = await tally(60, () => ask(scene.cases.random.port));
      expect(Math.min(a, b)).toBeGreaterThan(10);
    });

    test.each([
      ['ring', (user: string): Asked => ({ headers: { cookie: `x=1; user=${user}` } })],
      ['maglev', (user: string): Asked => ({ headers: { 'x-user': user } })],
      [
        'source',
        (user: string): Asked => ({ from: `127.0.0.${2 + Number(user.replace('user-', ''))}` }),
      ],
    ] as const)('%s: equal keys go to one, others spread', async (name, as) => {
      const { port, members } = scene.cases[name];
      const chosen = await Promise.all(
        users.map(async (user) => (await ask(port, '/', as(user))).body),
      );
      const again = await Promise.all(
        users.map(async (user) => (await ask(port, '/', as(user))).body),
      );
      expect(again).toEqual(chosen);
      for (const member of members)
        expect(chosen.filter((each) => each === member.name).length).toBeGreaterThan(1);
    });

    test('slow_start: the share of one that is back grows', async () => {
      const { port, members } = scene.cases.slow;
      const [a] = members;
      a?.behave(status(500));
      await tally(8, () => ask(port), 'status');
      expect(await tally(4, () => ask(port))).toEqual({ b: 4 });
      a?.behave((_, response) => void response.end('a'));
      await until(async () => (await ask(port)).body === 'a');
      const { a: first = 0 } = await tally(40, () => ask(port));
      const most = differs(
        subject,
        'of 40 requests a member that is back after its ejection gets',
        {
          haproxy: 13,
          envoy: 20,
        },
      );
      expect(first).toBeLessThanOrEqual(most);
      await sleep(5000);
      const { a: later = 0 } = await tally(40, () => ask(port));
      expect(Math.abs(later - 20)).toBeLessThanOrEqual(1);
    });
  });

  // These change the members, and so come after the others.
  test('slow_start: the share of one that comes grows', async () => {
    const { port, members } = scene.cases.slowComer;
    await using comer = await startMember('c');
    await scene.world.change(scene.servicesWith('slowComer', [...members, comer]));
    await until(async () => (await ask(port)).body === 'c');
    const { c: first = 0 } = await tally(60, () => ask(port));
    expect(first).toBeLessThan(12);
    await sleep(5000);
    const { c: later = 0 } = await tally(60, () => ask(port));
    expect(Math.abs(later - 20)).toBeLessThanOrEqual(1);
  });

  test('a key stays with its member when another one leaves', async () => {
    const { port, members } = scene.cases.maglev;
    const chosen = () =>
      Promise.all(
        users.map(async (user) => (await ask(port, '/', { headers: { 'x-user': user } })).body),
      );
    const before = await chosen();
    await scene.world.change(scene.servicesWith('maglev', members.slice(0, 2)));
    await until(async () => !(await chosen()).includes('c'));
    const after = await chosen();
    const stayed = before.map((each, index) => each === 'c' || each === after[index]);
    expect(stayed).not.toContain(false);
  });
});
