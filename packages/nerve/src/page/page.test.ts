import { createJournal } from '@smartstack/daemon';
import { expect, test } from 'vitest';

import { sumUp } from '../services/registrations.ts';
import type { ServiceStatus } from '../services/service.ts';
import type { PlaceStatus } from '../services/service-place.ts';
import { journalMeasures } from './journal.ts';
import { pageView } from './view.ts';

const inZooKeeper: PlaceStatus = {
  registry: 'zookeeper',
  path: '/services/web',
  announced: true,
  may_stand: true,
  confirmed: true,
  away: false,
};
const up: ServiceStatus = {
  state: 'up',
  since: new Date(5),
  ...sumUp([inZooKeeper]),
  because: 'up',
  instance: { host: '10.0.0.1', port: 80 },
  checks: [{ name: 'web http', state: 'up', took: 2 }],
};
const down = { ...up, state: 'down', because: 'down', announced: false } as const;
const downtime = { owner: 'ann', reason: 'new disk', since: 1 };
const view = (...statuses: readonly ServiceStatus[]) =>
  pageView(
    statuses.map((status, index) => ({ name: `s${index}`, status: () => status })),
    false,
  );

test('a service that is announced is well, and has its checks', () => {
  expect(view(up)).toMatchObject({
    notices: [],
    facts: [
      ['announced', '1 of 1', 'good'],
      ['registry', 'well', 'good'],
    ],
    services: [
      {
        tone: 'good',
        state: 'up, announced',
        place: '10.0.0.1:80',
        since: 5,
        rows: [{ title: 'web http', state: 'up', tone: 'good' }],
      },
    ],
  });
});

test.each<[string, ServiceStatus, string, string]>([
  ['down', { ...down, check: 'web http', reason: 'status 503' }, 'Down', 'status 503'],
  [
    'one of several checks down',
    {
      ...down,
      check: 'web tcp',
      reason: 'refused',
      checks: [...up.checks, { name: 'web tcp', state: 'down', reason: 'refused' }],
    },
    'Down',
    'web tcp: refused',
  ],
  [
    'taken down',
    { ...up, announced: false, because: 'downtime', downtime },
    'Taken down',
    'taken down by ann: new disk',
  ],
  [
    'flapping',
    { ...up, announced: false, because: 'flapping', until: new Date(99) },
    'Held down',
    'it flaps: held down until it is steady',
  ],
  [
    'held back',
    { ...up, announced: false, because: 'rate limit' },
    'Held back',
    'announced too often: held back',
  ],
  [
    'not announced',
    { ...up, announced: false },
    'Not announced yet',
    'the registry has not answered yet',
  ],
])('a service that is %s is at the top, with the reason', (_, status, title, text) => {
  const { notices, services } = view(up, status);
  expect(notices).toMatchObject([{ title, text, service: 's1' }]);
  expect(services[0]?.name).toBe('s1');
});

test('a service that was not checked yet is no trouble', () => {
  const { notices, services } = view({ ...up, state: 'unknown', because: 'not checked yet' });
  expect(notices).toEqual([]);
  expect(services[0]).toMatchObject({ tone: 'idle', state: 'not checked yet' });
});

test('a check that failed too seldom to count is seen', () => {
  const { services } = view({ ...up, checks: [{ name: 'c', state: 'up', reason: 'late' }] });
  expect(services[0]?.rows).toEqual([
    { title: 'c', state: 'up, failing', tone: 'warn', reason: 'late' },
  ]);
});

test('a registry that is away is told', () => {
  const { notices } = pageView([{ name: 'web', status: () => up }], true);
  expect(notices).toMatchObject([{ title: 'Registry away', tone: 'warn' }]);
});

test('the journal has what became of a service, and why', () => {
  const journal = createJournal();
  let status: ServiceStatus = up;
  const measures = journalMeasures(journal, 'web', () => status);
  const registry = measures.at(undefined);
  measures.state(true);
  registry.announced(12.3);
  status = { ...down, check: 'web http', reason: 'status 503' };
  measures.state(false);
  registry.withdrawn();
  measures.held();
  measures.throttled(false);
  measures.throttled(true);
  registry.registryError();
  registry.registryError();
  status = { ...up, because: 'downtime', downtime };
  registry.withdrawn();
  expect(journal.after(0).map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
    'up: all checks pass',
    'announced: in the registry after 12 ms',
    'down: status 503',
    'withdrawn: down',
    'held down: it flaps',
    'throttled: it is announced too often, and held back',
    'throttled: it is announced too often',
    'registry: the registry refuses; it is tried again',
    'withdrawn: taken down by ann: new disk',
  ]);
});

test('a service that one of several registries has not is told with the registry that lacks it', () => {
  const away = {
    ...inZooKeeper,
    registry: 'consul',
    announced: false,
    confirmed: false,
    away: true,
  };
  const { facts, notices, services } = pageView(
    [{ name: 'web', status: () => ({ ...up, ...sumUp([inZooKeeper, away]) }) }],
    true,
  );
  expect(facts).toEqual([
    ['announced', '1 of 1', 'good'],
    ['zookeeper', 'well', 'good'],
    ['consul', 'away', 'warn'],
  ]);
  expect(notices).toMatchObject([
    { title: 'Not announced everywhere', text: 'consul has not answered yet' },
    { title: 'Registry away', text: expect.stringMatching(/^consul does not answer/) },
  ]);
  expect(services).toMatchObject([
    {
      state: 'up, announced in 1 of 2',
      facts: [
        ['zookeeper', '/services/web'],
        ['consul', 'not now (/services/web)'],
      ],
    },
  ]);
});

test('the journal names the registry where there are several', () => {
  const journal = createJournal();
  const consul = journalMeasures(journal, 'web', () => up).at('consul');
  consul.registryError();
  consul.announced(3);
  consul.withdrawn();
  expect(journal.after(0).map(({ text }) => text)).toEqual([
    'consul refuses; it is tried again',
    'in consul after 3 ms',
    'from consul: nerve ends',
  ]);
});
