import { silentLog } from '@smartstack/daemon';
import { expect, type TestContext, test, vi } from 'vitest';

import { collect } from '../collect.fixture.ts';
import { dns } from './dns.ts';
import { rated } from './lookup.ts';
import { startDns, type TestDns } from './server.fixture.ts';

const records: TestDns['records'] = {
  'web.test': [
    { type: 'A', address: '10.0.0.2', ttl: 1 },
    { type: 'A', address: '10.0.0.1', ttl: 1 },
    { type: 'AAAA', address: 'fd00:0:0:0:0:0:0:1', ttl: 60 },
  ],
  'other.test': [{ type: 'A', address: '10.0.1.1', ttl: 3600 }],
  '_web._tcp.test': [
    { type: 'SRV', target: 'web.test', port: 81, priority: 10, weight: 512 },
    { type: 'SRV', target: 'other.test', port: 82, priority: 20, weight: 0 },
  ],
};

/** A DNS server, and who follows names by it. */
async function createScene({ onTestFinished }: TestContext) {
  const server = await startDns(records);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const follow = (...servers: (object | string)[]) => {
    const config = dns.schema.parse({ method: 'dns', servers, nameserver: server.address });
    return collect(dns.create(config, { log: silentLog, port: 80 } as never), onTestFinished);
  };
  return { server, follow };
}
const soon = (check: () => void) => vi.waitFor(check, { timeout: 8000 });

test.concurrent('a name’s addresses are members, IPv4 and IPv6, on the service’s port or their own', async (context) => {
  const { follow } = await createScene(context);
  const found = follow(
    { host: 'web.test', name: 'w' },
    { host: 'other.test', port: 90 },
    { host: '10.9.9.9' },
  );
  await soon(() =>
    expect(found.newest()).toEqual([
      'w 10.0.0.1:80',
      'w 10.0.0.2:80',
      'w fd00::1:80',
      ' 10.0.1.1:90',
      ' 10.9.9.9:80',
    ]),
  );
});

test.concurrent('a name may stand alone, and with a last dot', async (context) => {
  const { follow } = await createScene(context);
  const found = follow('other.test', 'web.test.');
  await soon(() => expect(found.newest()?.[0]).toBe(' 10.0.1.1:80'));
  expect(found.newest()).toHaveLength(4);
});

test.concurrent('a service’s name brings ports and weights; a worse priority stands by', async (context) => {
  const { follow } = await createScene(context);
  const found = follow({ host: '_web._tcp.test' });
  await soon(() =>
    expect(found.lists.at(-1)).toEqual([
      { name: 'other.test', host: '10.0.1.1', port: 82, weight: 1, haproxyServerOptions: 'backup' },
      { name: 'web.test', host: '10.0.0.1', port: 81, weight: 256 },
      { name: 'web.test', host: '10.0.0.2', port: 81, weight: 256 },
      { name: 'web.test', host: 'fd00::1', port: 81, weight: 256 },
    ]),
  );
});

test.concurrent('a changed answer is seen when its time to live is over, long before the interval', async (context) => {
  const { server, follow } = await createScene(context);
  const found = follow({ host: 'web.test' });
  await soon(() => expect(found.lists).toHaveLength(1));
  server.records = { 'web.test': [{ type: 'A', address: '10.0.0.3', ttl: 60 }] };
  await soon(() => expect(found.newest()).toEqual([' 10.0.0.3:80']));
});

test.concurrent('a service’s records have a time to live of their own', async (context) => {
  const { server, follow } = await createScene(context);
  const record = { type: 'SRV', target: 'other.test', priority: 1, weight: 1, ttl: 1 } as const;
  const address = { type: 'A', address: '10.0.1.1', ttl: 3600 } as const;
  const records = (port: number) => ({
    'other.test': [address],
    '_web._tcp.test': [{ ...record, port }],
  });
  server.records = records(82);
  const found = follow({ host: '_web._tcp.test' });
  await soon(() => expect(found.newest()).toEqual(['other.test 10.0.1.1:82']));
  server.records = records(83);
  await soon(() => expect(found.newest()).toEqual(['other.test 10.0.1.1:83']));
});

test.concurrent('a failed lookup keeps the last answer; a name that is gone has no members', async (context) => {
  const { server, follow } = await createScene(context);
  const found = follow({ host: 'web.test' });
  await soon(() => expect(found.lists).toHaveLength(1));
  server.refuse = true;
  const before = server.asked.length;
  await soon(() => expect(server.asked.length).toBeGreaterThan(before + 1));
  expect(found.lists).toHaveLength(1);
  server.records = {};
  server.refuse = false;
  await soon(() => expect(found.newest()).toEqual([]));
});

test.concurrent('nothing is said before every name was answered once', async (context) => {
  const { server, follow } = await createScene(context);
  server.refuse = true;
  const found = follow({ host: 'web.test' }, { host: '10.9.9.9' });
  await soon(() => expect(server.asked.length).toBeGreaterThan(2));
  expect(found.lists).toEqual([]);
  server.refuse = false;
  await soon(() => expect(found.newest()).toHaveLength(4));
});

test.each([
  [
    'weights within what proxies take stand',
    [
      [1, 10],
      [1, 20],
    ],
    [
      [10, false],
      [20, false],
    ],
  ],
  [
    'larger ones are scaled',
    [
      [1, 1],
      [1, 65_535],
    ],
    [
      [1, false],
      [256, false],
    ],
  ],
  [
    'none at all are equal',
    [
      [1, 0],
      [1, 0],
    ],
    [
      [1, false],
      [1, false],
    ],
  ],
  [
    'only the best priority serves',
    [
      [5, 1],
      [3, 1],
    ],
    [
      [1, true],
      [1, false],
    ],
  ],
])('%s', (_, given, expected) => {
  const records = given.map(([priority = 0, weight = 0], i) => ({
    name: `n${i}`,
    port: 1,
    priority,
    weight,
  }));
  expect(rated(records).map(({ weight, backup }) => [weight, backup])).toEqual(expected);
});
