import {
  matchRoute,
  type PolicyRequest,
  policyProblems,
  policySchema,
  type QueryReading,
} from '@smartstack/policy';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { rewrittenBy } from '../../packages/synapse/src/operator/policy/try.ts';
import { commandOf } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { differs, subjects } from './subject.fixture.ts';
import {
  ask,
  type Member,
  serviceOf,
  startMember,
  startWorld,
  type World,
} from './world.fixture.ts';

/** A fixed sequence of whole numbers below a bound: a failure is the same the next time. */
function createDice(seed: number) {
  let state = seed;
  return (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

const dice = createDice(20_261_128);
const oneOf = <T>(list: readonly T[]): T => list[dice(list.length)] as T;
const maybe = <T>(value: () => T): T | undefined => (dice(2) === 0 ? value() : undefined);

const paths = ['/', '/a', '/a/', '/a/b', '/ab', '/A', '/a%20b', "/it's", '/a;v=1', '/a//b', '/a+b'];
const methods = ['GET', 'POST', 'HEAD', 'PURGE'];
const headerNames = ['x-a', 'X-B', 'host'];
const headerValues = ['1', '2', 'One', '1,2', 'a b', '"q"', 'it’s', '100%', 'web', ''];
const queryNames = ['v', 'V', 'w.x'];
const queryValues = ['1', '2', 'a b', 'a+b', 'é', '1&2', '100%'];
const queryTexts = [
  '1',
  '2',
  'a+b',
  'a%20b',
  'a%2Bb',
  '%C3%A9',
  '%c3%a9',
  '1%262',
  '100%25',
  '100%',
  '',
  '%zz',
  '%31',
];

function randomRoute(name: string) {
  const values = (names: readonly string[], list: readonly string[]) =>
    Object.fromEntries(
      names
        .filter(() => dice(4) === 0)
        .map((each) => [each, oneOf(list.filter((value) => value !== ''))]),
    );
  const headers = values(headerNames, headerValues);
  const query = values(queryNames, queryValues);
  const match = {
    ...(dice(4) === 0 && { path: oneOf(paths) }),
    ...(dice(3) > 0 && { path_prefix: oneOf(paths) }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(dice(3) === 0 && { methods: [oneOf(methods), ...(maybe(() => [oneOf(methods)]) ?? [])] }),
    ...(Object.keys(query).length > 0 && { query }),
  };
  return { name, match, respond: { status: 200, body: name } };
}

/** Random routes of which each can match. */
function randomRoutes(count: number): readonly object[] {
  const context = { service: 'web', protocol: 'http', services: new Set(['web']) } as const;
  const routes: object[] = [];
  for (let i = 0; i < 500 && routes.length < count; i++) {
    const route = randomRoute(`r${i}`);
    // One that asks for little leaves nothing to those behind it.
    if (Object.keys(route.match).length < 2) continue;
    const policy = policySchema.parse({ routes: [...routes, route] });
    if (policyProblems(policy, context).length === 0) routes.push(route);
  }
  return routes;
}

function randomRequest(): PolicyRequest {
  const query = Array.from(
    { length: dice(4) },
    () => `${oneOf(queryNames)}${oneOf(['=', '=', '=', ''])}${oneOf(queryTexts)}`,
  ).join(oneOf(['&', ';', '?', '&&']));
  const headers = headerNames
    .filter((name) => name !== 'host')
    .flatMap((name) =>
      Array.from({ length: dice(3) }, () => [name.toLowerCase(), oneOf(headerValues)] as const),
    );
  return {
    method: oneOf(['GET', 'GET', 'POST', 'PURGE']),
    url: `${oneOf(paths)}${oneOf(['', '', '/', '/c'])}${query === '' ? oneOf(['', '?']) : `?${query}`}`,
    headers: [...headers, ['host', oneOf(['web', 'Web', 'other'])]],
  };
}

/** Node joins equal names by itself. */
const latin = (text: string) => Buffer.from(text).toString('latin1');
function headersOf({ headers }: PolicyRequest): Record<string, string> {
  const all: Record<string, string | string[]> = {};
  for (const [name, value] of headers)
    all[name] = name in all ? [all[name] ?? [], latin(value)].flat() : latin(value);
  return all as Record<string, string>;
}

const routes = randomRoutes(80);
const rewriting = ['/v2', '/v2/', '/'].flatMap((prefix) =>
  ['/', '/x', '/x/'].map((to) => ({
    match: { path_prefix: prefix, headers: { 'x-route': `${prefix} ${to}` } },
    rewrite: { path_prefix: to },
  })),
);

describe.each(subjects)('of a request to $title', (subject) => {
  const reading = differs<QueryReading>(subject, 'of a query they look at', {
    haproxy: 'every',
    envoy: 'first',
  });
  let member: Member;
  let port: number;
  let rewritingPort: number;
  let world: World;
  beforeAll(async () => {
    member = await startMember('rest');
    port = await freePort();
    rewritingPort = await freePort();
    world = await startWorld(
      {
        web: serviceOf(port, [member], { routes }),
        rewriting: serviceOf(rewritingPort, [member], { routes: rewriting }),
      },
      {},
      subject,
    );
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await member?.[Symbol.asyncDispose]();
  });

  test('the route that is told of a request is the one that the proxy takes', async () => {
    const policy = policySchema.parse({ routes });
    const hits = new Map<string, number>();
    for (let i = 0; i < 3000; i++) {
      const request = randomRequest();
      const { name } = matchRoute(policy.routes ?? [], request, reading);
      const asked = { method: request.method, headers: headersOf(request) };
      const { body } = await ask(port, request.url, asked);
      expect(body, JSON.stringify(request)).toBe(name);
      hits.set(name, (hits.get(name) ?? 0) + 1);
    }
    // Else the requests would not say much.
    expect(hits.size).toBeGreaterThan(20);
    expect(hits.get('rest') ?? 0).toBeLessThan(2000);
  });

  test('the path that is told is the one that members see', async () => {
    const { routes: parsed = [] } = policySchema.parse({ routes: rewriting });
    for (const route of parsed)
      for (const url of ['/v2', '/v2/', '/v2/a', '/v2/a/b?c=/v2', '/v2//a', '/v2?x']) {
        const headers = { ...route.match?.headers };
        await ask(rewritingPort, url, { headers });
        const request = { method: 'GET', url, headers: Object.entries(headers) };
        const told = rewrittenBy(route, request)?.url;
        expect(member.seen.at(-1)?.url, JSON.stringify([route, url])).toBe(told);
      }
  });

  test('synapse policy try says so from the file, while synapse runs', async () => {
    const file = world.scratch.path('synapse.yaml');
    const request: PolicyRequest = { method: 'POST', url: '/a?v=9', headers: [['x-a', '1']] };
    const { stdout } = await execa(commandOf('synapse'), [
      ...['-c', file, 'policy', 'try', 'web', '--json'],
      ...['--request', 'POST /a?v=9 x-a:1'],
    ]);
    const { name } = matchRoute(policySchema.parse({ routes }).routes ?? [], request, reading);
    expect(JSON.parse(stdout)).toMatchObject({ service: 'web', request, route: { name } });
  });
});
