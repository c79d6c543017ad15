import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { atLeast } from '../../packages/proxy/src/index.ts';
import { versionOf } from '../support/haproxy-versions.ts';
import { refusing } from './hung.fixture.ts';
import { type Scene, startScene } from './scene.fixture.ts';
import { differs, policyProgram, subjects } from './subject.fixture.ts';
import { ask, late, startMember, status, tally } from './world.fixture.ts';

/** A code that only this version and newer ones try again after. */
const newestCode = atLeast(versionOf(policyProgram), '3.0') ? 429 : 425;
const none = { outlier_ejection: false };
const retried = (on: readonly unknown[], more = {}) => ({
  policy: { retries: { attempts: 2, on, budget: '100%' }, ...none, ...more },
});
const asked = {
  refused: { policy: none },
  never: { policy: { retries: { attempts: 0 }, ...none } },
  reset: retried(['reset']),
  notReset: { policy: none },
  timeout: retried(['timeout'], { timeouts: { per_try: '150ms' } }),
  codes: retried([500, 404]),
  newest: retried([newestCode]),
  routed: retried([503], {
    routes: [
      { match: { path: '/once' }, retries: { attempts: 0 } },
      { match: { path: '/post' }, retries: { methods: ['POST'] } },
      { match: { path: '/short' }, timeouts: { per_try: '150ms' } },
      { match: { path: '/whole' }, timeouts: { request: '300ms' }, retries: { attempts: 1 } },
    ],
  }),
  // It has a route of the same name and place as the service that leads to it.
  other: {
    policy: { routes: [{ match: { path: '/x' }, timeouts: { per_try: '150ms' } }], ...none },
  },
  failing: { policy: none },
  leading: {
    policy: {
      routes: [
        { match: { path: '/led' }, to: { service: 'other' } },
        { match: { path: '/hurry' }, to: { service: 'other' }, timeouts: { per_try: '200ms' } },
        {
          match: { path: '/again' },
          to: { service: 'failing' },
          retries: { attempts: 2, on: [503] },
        },
      ],
      ...none,
    },
  },
};
type Name = keyof typeof asked;

describe.each(subjects)('retries on $title', (subject) => {
  let scene: Scene<Name>;
  beforeAll(async () => {
    const pair = async () => [await refusing('a'), await startMember('b')];
    scene = await startScene<Name>(
      {
        ...asked,
        refused: { ...asked.refused, members: await pair() },
        never: { ...asked.never, members: await pair() },
      },
      subject,
    );
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());
  const statuses = (name: Name, path = '/', method = 'GET') =>
    tally(10, () => ask(scene.cases[name].port, path, { method }), 'status');

  describe.concurrent('are made', () => {
    test('for a member that refuses, at once and by default, whatever the method', async () => {
      const start = performance.now();
      expect(await statuses('refused')).toEqual({ 200: 10 });
      expect(await statuses('refused', '/', 'POST')).toEqual({ 200: 10 });
      expect(performance.now() - start).toBeLessThan(2000);
    });

    test('not where attempts is 0', async () => {
      expect(await statuses('never')).toEqual({ 200: 5, 503: 5 });
    });

    test('on reset: what was sent and not answered', async () => {
      for (const name of ['reset', 'notReset'] as const)
        scene.cases[name].members[0]?.behave((request) => request.socket.destroy());
      expect(await statuses('reset')).toEqual({ 200: 10 });
      const failed = differs(subject, 'a member that breaks off is', { haproxy: 502, envoy: 503 });
      expect(await statuses('reset', '/', 'POST')).toEqual({ 200: 5, [failed]: 5 });
      expect(await statuses('notReset')).toEqual({ 200: 5, [failed]: 5 });
    });

    test('on timeout: after per_try', async () => {
      const { members, port } = scene.cases.timeout;
      members[0]?.behave(late(3000));
      const answers = [await ask(port), await ask(port)];
      expect(answers.map(({ body }) => body)).toEqual(['b', 'b']);
      const slowest = Math.max(...answers.map(({ took }) => took));
      expect(slowest).toBeGreaterThan(140);
      expect(slowest).toBeLessThan(1500);
    });

    test('on the codes that are named', async () => {
      const [a] = scene.cases.codes.members;
      for (const [code, expected] of [
        [500, { 200: 10 }],
        [404, { 200: 10 }],
        [503, { 200: 5, 503: 5 }],
      ] as const) {
        a?.behave(status(code));
        expect(await statuses('codes')).toEqual(expected);
      }
    });

    test('on the newest code that this version knows', async () => {
      scene.cases.newest.members[0]?.behave(status(newestCode));
      expect(await statuses('newest')).toEqual({ 200: 10 });
    });

    test('as a route says', async () => {
      const { members, port } = scene.cases.routed;
      members[0]?.behave((request, response) => {
        if (request.url === '/short' || request.url === '/whole') late(3000)(request, response);
        else status(503)(request, response);
      });
      expect(await statuses('routed')).toEqual({ 200: 10 });
      expect(await statuses('routed', '/once')).toEqual({ 200: 5, 503: 5 });
      expect(await statuses('routed', '/post', 'POST')).toEqual({ 200: 10 });
      expect(await statuses('routed', '/post')).toEqual({ 200: 5, 503: 5 });
      for (const path of ['/short', '/whole']) {
        const answers = [await ask(port, path), await ask(port, path)];
        const slowest = Math.max(...answers.map(({ took }) => took));
        expect(answers.map((each) => each.status).sort()).toEqual([200, 504]);
        expect(slowest).toBeGreaterThan(140);
        expect(slowest).toBeLessThan(1500);
      }
    });

    test('as a route says that leads to another service', async () => {
      scene.cases.failing.members[0]?.behave(status(503));
      expect(await statuses('failing')).toEqual({ 200: 5, 503: 5 });
      expect(await statuses('leading', '/again')).toEqual({ 200: 10 });
    });

    test('with the times of the route that leads to a service, not of one of its own', async () => {
      for (const member of scene.cases.other.members) member.behave(late(500));
      expect((await ask(scene.cases.leading.port, '/led')).status).toBe(200);
      expect((await ask(scene.cases.other.port, '/x')).status).toBe(504);
      expect((await ask(scene.cases.leading.port, '/hurry')).status).toBe(504);
    });
  });
});
