import { expect, test } from 'vitest';

import { formatTable, type ServiceLine } from './table.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const up: ServiceLine = {
  state: 'up',
  since: '2026-01-01T11:59:00Z',
  announced: true,
  may_stand: true,
  confirmed: true,
  because: 'up',
  path: '/services/web',
  instance: { host: '10.0.0.1', port: 80 },
};

test('the table tells of every service whether it is announced and why not', () => {
  const services: Record<string, ServiceLine> = {
    web: up,
    'web-six': {
      ...up,
      instance: { host: '::1', port: 80, weight: 7 },
      since: '2025-12-01T00:00:00Z',
    },
    api: {
      ...up,
      state: 'down',
      announced: false,
      may_stand: false,
      because: 'down',
      reason: 'GET x: status 503',
    },
    db: {
      ...up,
      announced: false,
      may_stand: false,
      because: 'downtime',
      until: '2026-01-01T13:00:00Z',
      downtime: { owner: 'ann', reason: 'upgrade' },
    },
    cron: {
      ...up,
      announced: false,
      may_stand: false,
      because: 'flapping',
      until: '2026-01-01T12:00:05Z',
    },
    slow: { ...up, announced: false, confirmed: false },
    refused: { ...up, announced: false, confirmed: false, trouble: 'cannot announce: no' },
    late: { ...up, confirmed: false },
    stuck: { ...up, confirmed: false, trouble: 'cannot announce: no' },
    stays: {
      ...up,
      state: 'down',
      because: 'down',
      confirmed: false,
      reason: 'status 503',
      trouble: 'cannot withdraw: no',
    },
    new: {
      ...up,
      state: 'unknown',
      announced: false,
      may_stand: false,
      because: 'not checked yet',
    },
  };
  expect(formatTable({ registry_away: false, instance_id: 'a', services }, now)).toBe(
    `SERVICE  ADDRESS      STATE    ANNOUNCED                 SINCE  WHY
web      10.0.0.1:80  up       /services/web             60s
web-six  [::1]:80     up       /services/web (weight 7)  32d
api      10.0.0.1:80  down     no                        60s    GET x: status 503
db       10.0.0.1:80  up       no                        60s    taken down by ann for 60m more: upgrade
cron     10.0.0.1:80  up       no                        60s    flaps, held down for 5s more
slow     10.0.0.1:80  up       not known                 60s    the registry has not answered yet
refused  10.0.0.1:80  up       not known                 60s    cannot announce: no
late     10.0.0.1:80  up       /services/web             60s    a change is not confirmed yet
stuck    10.0.0.1:80  up       /services/web             60s    a change is not confirmed yet: cannot announce: no
stays    10.0.0.1:80  down     /services/web             60s    status 503; cannot withdraw: no
new      10.0.0.1:80  unknown  no                        60s    not checked yet`,
  );
});

test('each registry of a service with several has a line of its own', () => {
  const there = { path: '/services/web', announced: true, may_stand: true, confirmed: true };
  const web: ServiceLine = {
    ...up,
    confirmed: false,
    registries: [
      { registry: 'zookeeper', away: false, ...there },
      { registry: 'file', ...there, path: 'web', announced: false, confirmed: false, away: true },
    ],
  };
  const services = {
    web,
    api: { ...up, registries: [{ registry: 'file', away: false, ...there }] },
  };
  expect(formatTable({ registry_away: true, instance_id: 'a', services }, now)).toBe(
    `file does not answer: what is announced there stays.

SERVICE  ADDRESS      STATE  ANNOUNCED                 SINCE  WHY
web      10.0.0.1:80  up     zookeeper: /services/web  60s
                             file: not known                  the registry has not answered yet
api      10.0.0.1:80  up     /services/web             60s`,
  );
});
