import { createJournal } from '@smartstack/daemon';
import {
  type Measured,
  memoryProxy,
  type ProxyDriver,
  type ProxyKind,
  type Service,
} from '@smartstack/proxy';
import { expect, test } from 'vitest';

import type { Followed } from '../reconcile/follower.ts';
import { createSynapsePage, type RunningProxy } from './page.ts';

const kind = (name: string): ProxyKind => ({
  ...(memoryProxy as ProxyKind),
  name,
  title: name,
  view: {
    ...(memoryProxy.view as ProxyKind['view']),
    serverName: ({ host, port }) => `${host}:${port}`,
    facts: () => [[name, 'runs', 'good']],
    meaningOf: (state) => (state === `fine in ${name}` ? 'up' : 'down'),
  },
});

const measured = {
  mode: 'tcp',
  requests: 5,
  routes: [],
  servers: new Map(),
} as unknown as Measured;

interface Told {
  readonly mode?: string;
  readonly fails?: boolean;
}

function running(name: string, { mode = 'managed', fails = false }: Told = {}): RunningProxy {
  const servers = [
    { name: 'a:80', address: 'a:80', state: `fine in ${name}` },
    { name: 'b:80', address: 'b:80', state: 'up' },
  ];
  return {
    proxy: kind(name),
    section: () => undefined,
    driver: {
      name,
      status: () => ({ mode, services: { [`of ${name}`]: { servers } } }),
      refused: () => [],
      measure: async () => {
        if (fails) throw new Error(`${name} does not answer`);
        return new Map([[`of ${name}`, measured]]);
      },
    } as unknown as ProxyDriver,
  };
}

function pageOf(...proxies: readonly RunningProxy[]) {
  const snapshot = new Map(
    proxies.map(({ proxy: { name } }): [string, Service] => [
      `of ${name}`,
      {
        name: `of ${name}`,
        instances: ['a', 'b'].map((host) => ({ host, port: 80 })),
        defaults: [],
        own: { [name]: { port: 1 } },
        origin: 'synapse.yaml:2:3',
      },
    ]),
  );
  return createSynapsePage({
    reconciler: {
      failure: () => undefined,
      get: (name) => ({ service: snapshot.get(name) }) as unknown as Followed,
      snapshot: () => snapshot,
    },
    proxies,
    journal: createJournal(),
    version: '1',
    problems: () => [],
    lastUnhealthy: () => undefined,
  });
}

const signal = new AbortController().signal;
const factsOf = async (...proxies: readonly RunningProxy[]) =>
  (await pageOf(...proxies).view()).facts.map(([title]) => title);

test('each service counts its members in the words of its own proxy', async () => {
  const { services } = await pageOf(running('one'), running('other')).view();
  expect(services.map(({ name, state }) => [name, state])).toEqual([
    ['of one', '1 of 2 up'],
    ['of other', '1 of 2 up'],
  ]);
});

test('a proxy that is not asked for is not shown, unless none is', async () => {
  expect(await factsOf(running('one'), running('other'))).toEqual(['one', 'other', 'registry']);
  expect(await factsOf(running('one', { mode: 'none' }), running('other'))).toEqual([
    'other',
    'registry',
  ]);
  const none = { mode: 'none' };
  expect(await factsOf(running('one', none), running('other', none))).toEqual(['one', 'registry']);
});

test('a proxy that does not answer hides nothing that the other one counted', async () => {
  const page = pageOf(running('one', { fails: true }), running('other'));
  await page.measure?.(signal);
  const { services } = await page.view();
  const modes = services.map(({ name, facts = [] }) => [name, new Map(facts).get('mode')]);
  expect(modes).toEqual([
    ['of one', undefined],
    ['of other', 'tcp'],
  ]);
  const alone = pageOf(running('one', { fails: true }));
  await expect(alone.measure?.(signal)).rejects.toThrow('one does not answer');
});
