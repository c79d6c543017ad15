import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { until } from '../support/until.ts';
import {
  type Answers,
  type Application,
  type Calls,
  type Language,
  languages,
  whyNoPython,
} from './grpc/application.fixture.ts';
import { failing, type GrpcMember, late, startGrpcMember } from './grpc/member.fixture.ts';
import { type Called, type GrpcScene, startGrpcScene } from './grpc/scene.fixture.ts';

const why = whyNoPython();
if (why !== undefined) process.stdout.write(`not run: gRPC’s C core: ${why}\n`);
const all = (Object.keys(languages) as Language[]).filter((one) => one !== 'python' || !why);

const membersOf = (names: string) =>
  Promise.all([...names].map((name, at) => startGrpcMember(name, { version: `v${at + 1}` })));

async function started<Name extends string>(
  asked: Readonly<Record<Name, readonly [names: string, policy?: object, more?: object]>>,
): Promise<Readonly<Record<Name, Called>>> {
  const names = Object.keys(asked) as Name[];
  const called = names.map(async (name) => {
    const [members, policy = {}, more] = asked[name];
    return [name, { members: await membersOf(members), policy, ...(more && { more }) }] as const;
  });
  return Object.fromEntries(await Promise.all(called)) as unknown as Record<Name, Called>;
}

type Call = (calls?: Omit<Calls, 'service'>) => ReturnType<Application['call']>;

const failed = (answers: Answers) =>
  Object.fromEntries(Object.entries(answers).filter(([answer]) => answer.length > 1));
const total = (answers: Answers) => Object.values(answers).reduce((sum, count) => sum + count, 0);
const version = (name: string) => ({ subset: { version: name } });

describe('what clients do of a policy', async () => {
  const services = await started({
    plain: ['abc'],
    split: [
      'ab',
      {
        routes: [
          {
            to: [
              { ...version('v1'), weight: 90 },
              { ...version('v2'), weight: 10 },
            ],
          },
        ],
      },
    ],
    routed: [
      'ab',
      {
        routes: [
          { match: { query: { v: '2' } }, to: version('v2') },
          { match: { path: '/echo.Echo/Ask' }, respond: { status: 403 } },
          { match: { path_prefix: '/other.Other' }, to: { service: 'plain' } },
          { match: { headers: { 'x-canary': 'true' } }, to: version('v2') },
          { to: version('v1') },
        ],
      },
    ],
    retried: [
      'ab',
      { retries: { attempts: 2, on: [503], methods: ['POST'] }, outlier_ejection: false },
    ],
    unsafe: ['ab', { retries: { attempts: 2, on: [503] }, outlier_ejection: false }],
    slow: ['a', { timeouts: { request: '300ms' } }],
    sick: ['abc', { outlier_ejection: { errors: 5, window: '1s', eject_for: '1m' } }],
    limited: ['a', { limits: { requests: 2 } }],
    hashed: ['abcd', { balance: { ring_hash: { header: 'x-user' } } }],
    faulty: [
      'a',
      {
        routes: [
          { match: { path: '/echo.Echo/Ask' }, fault: { abort: { status: 429, share: '100%' } } },
          { fault: { delay: { time: '200ms', share: '100%' } } },
        ],
      },
    ],
  });
  let scene: GrpcScene;
  beforeAll(async () => {
    scene = await startGrpcScene(services);
  });
  afterAll(() => scene[Symbol.asyncDispose]());
  const member = (service: keyof typeof services, at: number) =>
    services[service].members[at] as GrpcMember;

  describe.each(all)('%s', (language) => {
    let application: Application;
    beforeAll(() => {
      application = scene.application(language);
    });
    /** Calls a service, and sees that what it was told was not refused. */
    const using = async (service: keyof typeof services, run: (call: Call) => Promise<void>) => {
      await run((calls) => application.call({ service, ...calls }));
      expect(await scene.rejected()).toEqual([]);
    };

    test('calls go to all members', () =>
      using('plain', async (call) => {
        const { answers } = await call({ count: 300 });
        expect(Object.keys(answers).sort()).toEqual(['a', 'b', 'c']);
        for (const count of Object.values(answers)) expect(count).toBeGreaterThan(60);
      }));

    test('a split is by its weights', () =>
      using('split', async (call) => {
        const { answers } = await call({ count: 2000, parallel: 8 });
        expect(failed(answers)).toEqual({});
        expect(answers.b).toBeGreaterThan(130);
        expect(answers.b).toBeLessThan(270);
      }));

    test('routes are by path and metadata; one that has a query has no calls', () =>
      using('routed', async (call) => {
        const on = async (path: string, metadata = {}) =>
          Object.keys((await call({ count: 6, path, metadata })).answers).sort();
        expect(await on('/echo.Echo/Say')).toEqual(['a']);
        expect(await on('/echo.Echo/Say', { 'x-canary': 'true' })).toEqual(['b']);
        expect(await on('/echo.Echo/Ask')).toEqual(['PERMISSION_DENIED']);
        expect(await on('/other.Other/Tell')).toEqual(['a', 'b', 'c']);
      }));

    test('calls are tried again after the statuses that are asked for', () =>
      using('retried', async (call) => {
        member('retried', 0).behave(failing(status.UNAVAILABLE));
        expect((await call({ count: 40 })).answers).toEqual({ b: 40 });
        member('retried', 0).behave(failing(status.INTERNAL));
        expect((await call({ count: 40 })).answers.INTERNAL).toBeGreaterThan(5);
      }));

    test('calls are not sent a second time where only other methods may be', () =>
      using('unsafe', async (call) => {
        member('unsafe', 0).behave(failing(status.UNAVAILABLE));
        const { answers } = await call({ count: 40 });
        expect(answers.UNAVAILABLE).toBeGreaterThan(5);
      }));

    test('a call takes no longer than its request may', () =>
      using('slow', async (call) => {
        member('slow', 0).behave(late('a', 9000));
        await call();
        const { answers, took } = await call();
        expect(answers).toEqual({ DEADLINE_EXCEEDED: 1 });
        // Its member answers after 9 s, and clients may give up to 2 s more.
        expect(took).toBeGreaterThan(250);
        expect(took).toBeLessThan(6000);
      }));

    test('a member that fails is ejected', () =>
      using('sick', async (call) => {
        member('sick', 1).behave(failing(status.UNAVAILABLE));
        await until(async () => {
          const { answers } = await call({ count: 100, parallel: 4 });
          return failed(answers).UNAVAILABLE === undefined;
        });
        const { answers } = await call({ count: 100 });
        expect(Object.keys(answers).sort()).toEqual(['a', 'c']);
      }));

    test('more calls at a time than the limit fail, where a client counts them', () =>
      using('limited', async (call) => {
        member('limited', 0).behave(late('a', 500));
        const { answers } = await call({ count: 6, parallel: 6 });
        // Node’s client counts none of those that begin together.
        expect(answers).toEqual(language === 'python' ? { a: 2, UNAVAILABLE: 4 } : { a: 6 });
      }));

    test('calls of one user go to one member', () =>
      using('hashed', async (call) => {
        const on = async (user: string) =>
          Object.keys((await call({ count: 20, metadata: { 'x-user': user } })).answers);
        const members = await Promise.all(['u1', 'u2', 'u3', 'u4', 'u5', 'u6', 'u7', 'u8'].map(on));
        expect(new Set(members.flat()).size).toBeGreaterThan(1);
        // gRPC’s C core 1.51 reads no list of policies, and has round robin.
        if (language === 'node') for (const one of members) expect(one).toHaveLength(1);
      }));

    test('faults are made', () =>
      using('faulty', async (call) => {
        expect((await call({ path: '/echo.Echo/Ask' })).answers).toEqual({ UNAVAILABLE: 1 });
        await call();
        const { answers, took } = await call({ count: 2 });
        expect(answers).toEqual({ a: 2 });
        expect(took).toBeGreaterThan(390);
      }));
  });
});

describe('under load', async () => {
  const members = await membersOf('abcde');
  const some = (names: string): Readonly<Record<string, Called>> => ({
    web: { members: members.filter(({ name }) => names.includes(name)) },
  });
  let scene: GrpcScene;
  beforeAll(async () => {
    scene = await startGrpcScene(some('abc'));
  });
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
    for (const member of members) await member[Symbol.asyncDispose]();
  });

  /** Whether exactly these get calls now. */
  const serves = async (names: string): Promise<void> => {
    await until(async () => {
      const before = members.map(({ calls }) => calls);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const now = members.filter(({ calls }, at) => calls > (before[at] ?? 0));
      return now.map(({ name }) => name).join('') === names;
    });
  };

  test('members come and go, and synapse is killed, without a failed call', async () => {
    const applications = all.map((language) => scene.application(language));
    await Promise.all(applications.map((app) => app.start({ service: 'web' })));
    for (const names of ['abc', 'abcd', 'bcd', 'de', 'abcde', 'ab']) {
      await scene.change(some(names));
      await serves(names);
    }
    await scene.kill();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await serves('ab');
    await scene.restart(some('bce'));
    await serves('bce');
    const answers = await Promise.all(applications.map((app) => app.stop()));
    for (const each of answers) {
      expect(failed(each)).toEqual({});
      expect(total(each)).toBeGreaterThan(500);
    }
    expect(await scene.rejected()).toEqual([]);
  });
});
