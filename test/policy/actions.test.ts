import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { until } from '../support/until.ts';
import { type Scene, startScene } from './scene.fixture.ts';
import { subjects } from './subject.fixture.ts';
import { ask, tally } from './world.fixture.ts';

const asked = {
  redirects: {
    policy: {
      routes: [
        { match: { path: '/path' }, redirect: { path: '/new%20place' } },
        {
          match: { path: '/both' },
          redirect: { scheme: 'https', host: 'www.example.com', path: '/x', status: 301 },
        },
        { match: { path_prefix: '/host' }, redirect: { scheme: 'https', host: 'www.example.com' } },
      ],
    },
  },
  burst: {
    policy: {
      routes: [
        {
          match: { path: '/' },
          rate_limit: { requests: 2, per: '200ms', burst: 4, by: { cookie: 'who' } },
        },
        { match: { path: '/source' }, rate_limit: { requests: 2, per: '1h', by: 'source' } },
      ],
    },
  },
  fallback: {
    policy: { routes: [{ match: { path: '/empty' }, to: { subset: { version: 'v9' } } }] },
  },
  b3: { policy: { trace: 'b3' } },
  ids: { policy: { request_id: true, trace: 'w3c' } },
};
type Name = keyof typeof asked;

describe.each(subjects)('what routes do on $title', (subject) => {
  let scene: Scene<Name>;
  beforeAll(async () => {
    scene = await startScene<Name>(asked, subject);
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  describe.concurrent('each by itself', () => {
    test.each([
      ['/path?a=1', 302, '/new%20place'],
      ['/both', 301, 'https://www.example.com/x'],
      ['/host/x?a=1', 302, 'https://www.example.com/host/x?a=1'],
    ])('redirects %s', async (path, status, location) => {
      const answer = await ask(scene.cases.redirects.port, path);
      expect(answer).toMatchObject({ status, headers: { location } });
    });

    test('a rate limit allows a burst after a quiet time, and then its rate', async () => {
      const { port } = scene.cases.burst;
      const by = (who: string) => () => ask(port, '/', { headers: { cookie: `who=${who}` } });
      const atOnce = async (who: string) => {
        const answers = await Promise.all(Array.from({ length: 10 }, by(who)));
        return answers.filter(({ status }) => status === 200).length;
      };
      expect(await atOnce('one')).toBe(6);
      expect(await atOnce('two')).toBe(6);
      // Who goes on all the while is served at the rate, 10 a second, and what is refused does not count.
      const start = performance.now();
      let served = 0;
      while (performance.now() - start < 4000) {
        const { status, headers } = await by('three')();
        if (status === 200) served += 1;
        else expect(headers['retry-after']).toBe('1');
        await sleep(10);
      }
      const seconds = (performance.now() - start) / 1000;
      expect(served).toBeGreaterThan(10 * seconds - 12);
      expect(served).toBeLessThan(10 * seconds + 6);
    });

    test('a rate limit by source tells addresses apart', async () => {
      const from = (address: string) => () =>
        ask(scene.cases.burst.port, '/source', { from: address });
      expect(await tally(4, from('127.0.0.2'), 'status')).toEqual({ 200: 2, 429: 2 });
      expect(await tally(4, from('127.0.0.3'), 'status')).toEqual({ 200: 2, 429: 2 });
    });

    test('requests get an id and a trace where they have none', async () => {
      const { port, members } = scene.cases.ids;
      await ask(port);
      await ask(port, '/', { headers: { 'x-request-id': 'mine', traceparent: 'theirs' } });
      const seen = members.flatMap((member) => member.seen).map(({ headers }) => headers);
      const [second, first] = seen[0]?.['x-request-id'] === 'mine' ? seen : seen.toReversed();
      expect(first?.['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      expect(first?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      expect(second).toMatchObject({ 'x-request-id': 'mine', traceparent: 'theirs' });
    });

    test('a subset without members falls back to all', async () => {
      expect(await tally(6, () => ask(scene.cases.fallback.port, '/empty'))).toEqual({
        a: 3,
        b: 3,
      });
    });

    test('trace: b3 makes a context where there is none, and passes one on', async () => {
      const { port, members } = scene.cases.b3;
      const seen = () => members.flatMap((member) => member.seen);
      await ask(port);
      const [made] = await until(() => (seen().length === 1 ? seen() : undefined));
      expect(made?.headers).toMatchObject({
        'x-b3-traceid': expect.stringMatching(/^[0-9a-f]{32}$/),
        'x-b3-spanid': expect.stringMatching(/^[0-9a-f]{16}$/),
        'x-b3-sampled': '1',
      });
      const theirs = { 'x-b3-traceid': 'a'.repeat(16), 'x-b3-spanid': 'b'.repeat(16) };
      await ask(port, '/second', { headers: theirs });
      const passed = seen().find(({ url }) => url === '/second');
      expect(passed?.headers).toMatchObject(theirs);
      expect(passed?.headers).not.toHaveProperty('x-b3-sampled');
    });
  });
});
