import { createJournal, type PageNotice, type PageService } from '@smartstack/daemon';
import { haproxy } from '@smartstack/haproxy';
import type { Measured, MeasuredServer, ProxyDriver, Refused, Service } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';
import { expect, test } from 'vitest';
import type { ServiceConfig } from '../config/config.ts';
import { createTrace } from '../discovery/trace.ts';
import type { Followed } from '../reconcile/follower.ts';
import { createSynapsePage } from './page.ts';

const member = (host: string, zone = 'a'): Instance => ({ host, port: 80, labels: { zone } });
const own = { haproxy: haproxy.config.keys.service.parse({ port: 3213 }) };

interface Story {
  readonly instances?: readonly Instance[] | undefined;
  readonly service?: Partial<Service>;
  readonly lists?: Readonly<Record<string, readonly Instance[]>>;
  readonly config?: object;
  readonly held?: readonly Instance[];
  /** What the driver says of its servers, by name. */
  readonly known?: Readonly<Record<string, string>>;
  readonly measured?: readonly Partial<MeasuredServer>[];
  readonly refused?: readonly Partial<Refused>[];
  readonly problems?: readonly string[];
  readonly trouble?: string;
  readonly away?: boolean;
  /** Why a watcher `blue` cannot be asked. */
  readonly fails?: string;
}

/** The page of one service `web`. */
async function pageOf(story: Story) {
  const { instances, lists = { found: instances ?? [], filtered: instances ?? [] } } = story;
  const trace = createTrace();
  for (const [step, list] of Object.entries(lists))
    for await (const _ of trace.through(step, async function* () {
      yield list;
    })(new AbortController().signal));
  trace.note(story.fails, 'watcher blue');
  const service: Service = {
    name: 'web',
    instances,
    defaults: [],
    own,
    origin: 'synapse.yaml:2:3',
    ...story.service,
  };
  const followed = {
    service,
    trace,
    config: {
      discovery: { method: 'zookeeper' },
      default_servers: [],
      ...story.config,
    } as unknown as ServiceConfig,
    guard: { held: () => story.held && { members: story.held, until: 77 } },
  } as unknown as Followed;
  const servers = Object.entries(story.known ?? {}).map(([name, state]) => ({
    name,
    address: name,
    state,
  }));
  const page = createSynapsePage({
    reconciler: {
      failure: () => undefined,
      get: () => followed,
      snapshot: () => new Map([['web', service]]),
    },
    proxies: [
      {
        proxy: haproxy,
        section: () => undefined,
        driver: {
          status: () => ({
            trouble: story.trouble ?? null,
            version: '2.6.12',
            mode: 'managed',
            file: 'in step',
            services: { web: { servers } },
          }),
          refused: () => story.refused ?? [],
          measure: async () => new Map(story.measured ? [['web', measuredOf(story.measured)]] : []),
        } as unknown as ProxyDriver,
      },
    ],
    journal: createJournal(),
    version: '1',
    problems: () => story.problems ?? [],
    lastUnhealthy: () => (story.away ? performance.now() : undefined),
  });
  await page.measure?.(new AbortController().signal);
  const { services, ...view } = await page.view();
  return { ...view, page, web: services[0] as PageService, rows: services[0]?.rows ?? [] };
}

function measuredOf(servers: readonly Partial<MeasuredServer>[]): Measured {
  const whole = servers.map((server) => {
    const name = server.name ?? '';
    return [name, { address: name, status: 'UP', since: 5, reason: '', ...server, name }] as const;
  });
  return {
    mode: 'http',
    requests: 0,
    errors: 0,
    average: 1,
    slowest: 1,
    longest: 1,
    retries: 0,
    redispatches: 0,
    queued: 0,
    routes: [],
    ejections: undefined,
    servers: new Map(whole),
  };
}

const said = (notices: readonly PageNotice[]) =>
  notices.map(({ tone, title, text }) => `${tone} ${title}: ${text}`);

test('a service that is well has its members with state, source and age, and no notice', async () => {
  const { web, rows, notices, facts } = await pageOf({
    instances: [member('a')],
    known: { 'a:80': 'up' },
    measured: [{ name: 'a:80' }],
  });
  expect(web).toMatchObject({ tone: 'good', state: '1 of 1 up', place: 'localhost:3213' });
  expect(rows).toEqual([
    { title: 'a:80', state: 'up', tone: 'good', source: 'zookeeper', since: 5 },
  ]);
  expect(notices).toEqual([]);
  expect(facts[0]).toEqual(['HAProxy', '2.6.12, managed', 'good']);
});

test('a member that is down comes first, with what its check said', async () => {
  const { web, rows } = await pageOf({
    instances: [member('a'), member('b')],
    known: { 'a:80': 'up', 'b:80': 'up' },
    measured: [{ name: 'a:80' }, { name: 'b:80', status: 'DOWN', reason: 'L4CON, refused' }],
  });
  expect(web).toMatchObject({ tone: 'warn', state: '1 of 2 up' });
  expect(rows[0]).toMatchObject({
    title: 'b:80',
    state: 'down',
    tone: 'bad',
    reason: 'L4CON, refused',
  });
});

test('a service of which no member is up, or that has none, is broken', async () => {
  const down = await pageOf({
    instances: [member('a')],
    known: { 'a:80': 'up' },
    measured: [{ name: 'a:80', status: 'DOWN', reason: 'L4TOUT' }],
  });
  expect(down.web).toMatchObject({ tone: 'bad', state: '0 of 1 up' });
  expect(said(down.notices)).toEqual(['bad No member is up: a:80: L4TOUT']);
  const empty = await pageOf({ instances: [] });
  expect(said(empty.notices)).toEqual(['bad No members: no instance is registered']);
});

test('services that are quarantined, stale, held or without an answer are at the top', async () => {
  const refused = { owner: 'web', reason: 'unknown keyword', since: '2026-01-01T00:00:00Z' };
  const left = await pageOf({
    instances: [member('a')],
    refused: [{ ...refused, lastGood: false }],
  });
  expect(left.web.state).toBe('quarantined');
  expect(said(left.notices)).toEqual(['bad Quarantined: unknown keyword']);
  const last = await pageOf({
    instances: [member('a')],
    known: { 'a:80': 'up' },
    refused: [{ ...refused, lastGood: true }],
  });
  expect(said(last.notices)).toEqual(['bad On its last good lines: unknown keyword']);

  const stale = await pageOf({
    lists: {},
    service: { stale: true, defaults: [member('a')] },
    known: { 'a:80': 'up' },
  });
  expect(stale.notices).toMatchObject([{ tone: 'warn', title: 'Stale', service: 'web' }]);
  expect(stale.rows).toMatchObject([{ source: 'an earlier run', tone: 'warn' }]);

  const silent = await pageOf({ lists: {} });
  expect(silent.notices).toMatchObject([{ tone: 'warn', title: 'No answer yet' }]);

  const held = await pageOf({
    instances: [member('a'), member('b')],
    lists: { found: [member('a')], filtered: [member('a')] },
    held: [member('b')],
    known: { 'a:80': 'up', 'b:80': 'up' },
  });
  expect(held.notices).toMatchObject([{ tone: 'warn', title: 'Loss held back', until: 77 }]);
  expect(held.rows[0]).toMatchObject({ title: 'b:80', source: 'held back' });
});

test('substitutes for members that are not announced are no good state', async () => {
  const { web, notices } = await pageOf({
    instances: [member('d')],
    lists: { found: [], filtered: [] },
    config: { default_servers: [member('d')] },
    known: { 'd:80': 'up' },
  });
  expect(web.tone).toBe('warn');
  expect(said(notices)).toEqual([
    'warn None registered: no instance is registered: default_servers are served',
  ]);
  const fixed = await pageOf({
    instances: [member('d')],
    lists: { found: [], filtered: [] },
    config: { discovery: { method: 'base' }, default_servers: [member('d')] },
    known: { 'd:80': 'up' },
  });
  expect(fixed.notices).toEqual([]);
});

test('who was left out, is on the way out or was taken out by hand is told apart', async () => {
  const filter = { label: 'zone', condition: 'equals', value: 'a' };
  const { rows, web } = await pageOf({
    instances: [member('a'), member('c')],
    lists: {
      found: [member('a'), member('b', 'z'), member('c')],
      filtered: [member('a'), member('c')],
    },
    config: { discovery: { method: 'zookeeper', label_filters: [filter] } },
    known: { 'a:80': 'up', 'c:80': 'drain by operator', 'x:80': 'leaving' },
  });
  expect(web.state).toBe('1 of 2 up');
  expect(rows.map(({ title, state, tone }) => `${title} ${state} ${tone}`)).toEqual([
    'c:80 drain by operator warn',
    'a:80 up good',
    'b:80 left out idle',
    'x:80 leaving idle',
  ]);
  expect(rows[2]?.reason).toBe('left out by a label filter: zone equals "a", but it is "z"');
});

test('trouble of the whole is told, worst first', async () => {
  const { notices, facts } = await pageOf({
    instances: [member('a')],
    known: { 'a:80': 'up' },
    problems: ['web.yaml:1:1: bad'],
    trouble: 'haproxy does not run',
    refused: [{ owner: 'stats_address', reason: 'port is taken', since: '2026-01-01T00:00:00Z' }],
    away: true,
  });
  expect(notices.map(({ tone, title }) => `${tone} ${title}`)).toEqual([
    'bad Quarantined',
    'bad HAProxy is not in step',
    'warn Bad configuration',
    'warn Registry away',
  ]);
  expect(facts.at(-1)).toEqual(['registry', 'away', 'warn']);
});

test('a service that no proxy serves is known, and nothing more', async () => {
  const { web } = await pageOf({
    instances: [member('a')],
    service: { own: {} },
  });
  expect(web).toMatchObject({ tone: 'good', state: '1 known', place: 'not proxied' });
});

test('ages that come out a second off do not make a member another', async () => {
  const measured = [{ name: 'a:80', since: 10_000 }];
  const { page, rows } = await pageOf({
    instances: [member('a')],
    known: { 'a:80': 'up' },
    measured,
  });
  measured[0] = { name: 'a:80', since: 11_000 };
  await page.measure?.(new AbortController().signal);
  expect((await page.view()).services[0]?.rows).toEqual(rows);
  measured[0] = { name: 'a:80', since: 20_000 };
  await page.measure?.(new AbortController().signal);
  expect((await page.view()).services[0]?.rows[0]?.since).toBe(20_000);
});

test('of very many members those in trouble are shown, and the others counted', async () => {
  const instances = Array.from({ length: 1_000 }, (_, index) => member(`m${index}`));
  const known = Object.fromEntries(instances.map(({ host }) => [`${host}:80`, 'up']));
  const { web, rows } = await pageOf({ instances, known: { ...known, 'm999:80': 'down' } });
  expect(rows).toHaveLength(200);
  expect(rows[0]).toMatchObject({ title: 'm999:80', tone: 'bad' });
  expect(web).toMatchObject({ hidden: 800, state: '999 of 1000 up' });
});

test('why a discovery cannot be asked is said while what was known is served', async () => {
  const instances = [member('a')];
  const lists = { found: instances, filtered: instances, kept: instances };
  const story = { instances, lists, known: { 'a:80': 'up' }, fails: 'answered 500' };
  const { notices, web } = await pageOf(story);
  expect(web).toMatchObject({ tone: 'warn', reason: 'watcher blue: answered 500' });
  expect(notices).toMatchObject([
    { tone: 'warn', title: 'Discovery fails', service: 'web', text: 'watcher blue: answered 500' },
  ]);
});
