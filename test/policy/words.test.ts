import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { differs, haproxySubject, subjects } from './subject.fixture.ts';
import { waitingFor } from './waiting.fixture.ts';
import {
  ask,
  late,
  type Member,
  serviceOf,
  startMember,
  startWorld,
  status,
  tally,
  type World,
} from './world.fixture.ts';

/** One service for each word, all in one synapse: their members are never shared. */
interface Case {
  readonly members: readonly Member[];
  readonly port: number;
}

const policies = {
  plain: {},
  per_try: { timeouts: { per_try: '150ms' } },
  request: {
    timeouts: { request: '600ms' },
    retries: { attempts: 1, on: ['connect_failure', 'timeout'] },
  },
  once: { timeouts: { request: '600ms' } },
  retried: {
    retries: { attempts: 2, on: ['connect_failure', 503], methods: ['GET'], budget: '100%' },
    outlier_ejection: false,
  },
  budget: { retries: { attempts: 3, on: ['connect_failure', 503] }, outlier_ejection: false },
  ejection: {
    outlier_ejection: { errors: 3, eject_for: '2s', max_share: '60%' },
    retries: { attempts: 0 },
  },
  panic: {
    outlier_ejection: { errors: 2, eject_for: '30s', max_share: '50%' },
    retries: { attempts: 0 },
  },
  limited: { limits: { requests: 2 } },
  pending: { limits: { per_member: 1, pending: 1 }, timeouts: { queue: '5s' } },
  hashed: { balance: { ring_hash: { header: 'x-user' } } },
  matched: {
    routes: [
      {
        name: 'canary',
        match: { path_prefix: '/v2', headers: { 'x-canary': 'true' } },
        to: { subset: { version: 'v2' } },
      },
      {
        name: 'old',
        match: { path: '/old', methods: ['POST'], query: { v: '1' } },
        to: { subset: { version: 'v1' } },
      },
    ],
  },
  routed: {
    routes: [
      {
        name: 'gone',
        match: { path: '/gone' },
        respond: { status: 410, body: "it's gone: 100% {really}" },
      },
      {
        name: 'moved',
        match: { path: '/moved' },
        redirect: { status: 308, host: 'www.example.com' },
      },
      {
        name: 'rewritten',
        match: { path_prefix: '/api' },
        rewrite: { path_prefix: '/internal', host: 'web.internal' },
        headers: {
          request: { set: { 'x-from': '100% mesh' }, remove: ['x-secret'] },
          response: { add: { 'x-via': 'synapse' } },
        },
      },
      { name: 'faulty', match: { path: '/faulty' }, fault: { abort: { status: 418 } } },
      { name: 'slow', match: { path: '/slow' }, fault: { delay: { time: '200ms' } } },
      {
        name: 'limited',
        match: { path: '/limited' },
        rate_limit: { requests: 5, per: '10s', by: { header: 'x-client' } },
      },
      { name: 'other', match: { path: '/other' }, to: { service: 'plain' } },
    ],
  },
} as const;

const [subject = haproxySubject] = subjects;
let world: World;
const cases = {} as Record<keyof typeof policies, Case>;
beforeAll(async () => {
  const services: Record<string, object> = {};
  for (const name of Object.keys(policies) as (keyof typeof policies)[]) {
    const members = [
      await startMember('a', { version: 'v1' }),
      await startMember('b', { version: 'v2' }),
    ];
    const port = await freePort();
    cases[name] = { members, port };
    services[name] = serviceOf(port, members, policies[name]);
  }
  world = await startWorld(services, {}, subject);
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  for (const { members } of Object.values(cases))
    for (const member of members) await member[Symbol.asyncDispose]();
});

describe.concurrent(`on ${subject.title}`, () => {
  test('requests are spread over the members', async () => {
    const { port } = cases.plain;
    expect(await tally(10, () => ask(port))).toEqual({ a: 5, b: 5 });
  });

  test('timeouts.per_try ends a try with 504', async () => {
    const { port, members } = cases.per_try;
    for (const member of members) member.behave(late(2000));
    const { status, took } = await ask(port);
    expect(status).toBe(504);
    expect(took).toBeGreaterThan(140);
    expect(took).toBeLessThan(1500);
  });

  test('timeouts.request is shared by tries that may be sent again, and whole for one that is sent once', async () => {
    const { port, members } = cases.request;
    members[0]?.behave(late(5000));
    // Half of the time is for the first member, and the other one answers at once.
    expect(await tally(4, () => ask(port), 'status')).toEqual({ 200: 4 });
    for (const member of cases.once.members) member.behave(late(400));
    expect(await tally(2, () => ask(cases.once.port), 'status')).toEqual({ 200: 2 });
    for (const member of cases.once.members) member.behave(late(5000));
    const { status, took } = await ask(cases.once.port);
    expect(status).toBe(504);
    expect(took).toBeLessThan(3000);
  });

  test('retries go to another member, for the methods that are named', async () => {
    const { port, members } = cases.retried;
    members[0]?.behave(status(503));
    expect(await tally(20, () => ask(port), 'status')).toEqual({ 200: 20 });
    const posts = await tally(20, () => ask(port, '/', { method: 'POST' }), 'status');
    expect(posts).toEqual({ 200: 10, 503: 10 });
  });

  test('a service that fails all gets at most 1.2 times its requests', async () => {
    const { port, members } = cases.budget;
    for (const member of members) member.behave(status(503));
    const { atOnce, most } = differs(subject, 'a budget of retries is a share of', {
      haproxy: { of: 'what comes', atOnce: 1, most: 1.2 },
      envoy: { of: 'what is under way, and 3 at a time', atOnce: 50, most: 1.6 },
    });
    for (let sent = 0; sent < 1000; sent += atOnce) {
      const answers = await Promise.all(Array.from({ length: atOnce }, () => ask(port)));
      for (const answer of answers) expect(answer.status).toBe(503);
    }
    const load = members.reduce((sum, { seen }) => sum + seen.length, 0);
    expect(load).toBeGreaterThan(1000);
    expect(load / 1000).toBeLessThan(most);
  });

  test('outlier_ejection takes a failing member out, and back', async () => {
    const { port, members } = cases.ejection;
    const [a] = members;
    a?.behave(status(500));
    await tally(10, () => ask(port), 'status');
    const ejected = performance.now();
    expect(a?.seen.length).toBeLessThanOrEqual(4);
    expect(await tally(20, () => ask(port))).toEqual({ b: 20 });
    a?.behave((_, response) => void response.end('a'));
    await until(async () => (await ask(port)).body === 'a');
    expect(performance.now() - ejected).toBeGreaterThan(700);
  });

  test('where too many are ejected all are served', async () => {
    const { port, members } = cases.panic;
    for (const member of members) member.behave(status(500));
    expect(await tally(40, () => ask(port), 'status')).toEqual({ 500: 40 });
    const least = differs(subject, 'two of two fail, and half of them may be out: each gets', {
      haproxy: 15,
      envoy: 1,
    });
    for (const member of members) expect(member.seen.length).toBeGreaterThan(least);
  });

  test('limits.requests answers with 503 what is too much', async () => {
    const { port, members } = cases.limited;
    for (const member of members) member.behave(late(700));
    const first = [ask(port), ask(port)];
    await until(() => members.flatMap(({ seen }) => seen).length === 2);
    expect(await tally(4, () => ask(port), 'status')).toEqual({ 503: 4 });
    expect((await Promise.all(first)).map((each) => each.status)).toEqual([200, 200]);
  });

  test('limits.pending refuses what would wait behind others', async () => {
    const { port, members } = cases.pending;
    for (const member of members) member.behave(late(700));
    const first: ReturnType<typeof ask>[] = [];
    // One by one: with Envoy a request waits while its connection is made, too.
    while (first.length < members.length) {
      first.push(ask(port));
      await until(() => members.flatMap(({ seen }) => seen).length === first.length);
    }
    first.push(ask(port));
    await until(async () => (await waitingFor('pending', world, subject)) === 1);
    expect(await tally(3, () => ask(port), 'status')).toEqual({ 503: 3 });
    expect((await Promise.all(first)).map((each) => each.status)).toEqual([200, 200, 200]);
  });

  test('balance by a header sends equal values to one member', async () => {
    const { port } = cases.hashed;
    for (const user of ['x', 'y', 'z', 'u']) {
      const tallied = await tally(5, () => ask(port, '/', { headers: { 'x-user': user } }));
      expect(Object.values(tallied)).toEqual([5]);
    }
  });

  test('routes match by path, header, method and query', async () => {
    const { port } = cases.matched;
    const canary = { headers: { 'x-canary': 'true' } };
    expect(await tally(6, () => ask(port, '/v2/a', canary))).toEqual({ b: 6 });
    expect(await tally(6, () => ask(port, '/v2', canary))).toEqual({ b: 6 });
    expect(Object.keys(await tally(6, () => ask(port, '/v20', canary)))).toHaveLength(2);
    expect(await tally(6, () => ask(port, '/old?v=1', { method: 'POST' }))).toEqual({ a: 6 });
    expect(Object.keys(await tally(6, () => ask(port, '/old?v=1')))).toHaveLength(2);
  });

  test('routes answer, redirect and rewrite', async () => {
    const { port, members } = cases.routed;
    expect(await ask(port, '/gone')).toMatchObject({
      status: 410,
      body: "it's gone: 100% {really}",
    });
    expect(await ask(port, '/moved')).toMatchObject({
      status: 308,
      headers: { location: 'http://www.example.com/moved' },
    });
    const { headers } = await ask(port, '/api/x?q=1', { headers: { 'x-secret': '1' } });
    expect(headers['x-via']).toBe('synapse');
    const seen = members
      .flatMap((member) => member.seen)
      .find(({ url }) => url === '/internal/x?q=1');
    expect(seen?.headers).toMatchObject({ host: 'web.internal', 'x-from': '100% mesh' });
    expect(seen?.headers).not.toHaveProperty('x-secret');
  });

  test('faults abort and delay', async () => {
    const { port } = cases.routed;
    expect(await tally(5, () => ask(port, '/faulty'), 'status')).toEqual({ 418: 5 });
    expect((await ask(port, '/slow')).took).toBeGreaterThan(195);
  });

  test('rate limits are per client', async () => {
    const { port } = cases.routed;
    const by = (client: string) => () => ask(port, '/limited', { headers: { 'x-client': client } });
    expect(await tally(8, by('one'), 'status')).toEqual({ 200: 5, 429: 3 });
    expect(await tally(8, by('two'), 'status')).toEqual({ 200: 5, 429: 3 });
  });

  test('a route leads to another service', async () => {
    const before = cases.plain.members.flatMap(({ seen }) => seen).length;
    expect((await ask(cases.routed.port, '/other')).status).toBe(200);
    const seen = cases.plain.members.flatMap((member) => member.seen);
    expect(seen.length).toBeGreaterThan(before);
    expect(seen.at(-1)?.url).toBeDefined();
  });
});
