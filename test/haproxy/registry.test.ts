import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

import { decodeInstance, isBadRecord } from '@smartstack/registry';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { harmlessKeywords, serverKeywords } from '../../packages/haproxy/src/config/keywords.ts';
import { startCopy } from '../support/copies.ts';
import {
  answerOf,
  createRun,
  drive,
  member,
  pidOf,
  service,
  snapshotOf,
  statesOf,
  webAt,
} from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { openStatsSocket, serversOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

/** Values that pass for every keyword: the smallest, the largest and one between. */
const values: Readonly<Record<string, readonly string[]>> = {
  'on-error': ['fastinter', 'fail-check', 'sudden-death', 'mark-down'],
  'on-marked-down': ['shutdown-sessions'],
  'on-marked-up': ['shutdown-backup-sessions'],
  observe: ['layer4'],
};
const candidates = [
  '0',
  '1',
  '5',
  '256',
  '1000',
  '65535',
  '1000000',
  '1ms',
  '10s',
  '1h',
  '86400000',
];

const option = fc.constantFrom(...harmlessKeywords).chain((keyword) => {
  const shape = serverKeywords.get(keyword);
  const passing = (values[keyword] ?? candidates).filter((value) => shape?.(value));
  return shape === null
    ? fc.constant(keyword)
    : fc.constantFrom(...passing).map((value) => `${keyword} ${value}`);
});

test.each(['http', 'tcp'])(
  'whatever options the registry may set, HAProxy takes them at runtime and in a file: mode %s',
  async (mode) => {
    await using run = await createRun();
    await using driven = drive({ ...run.config, restart_interval: 0 });
    const [port, other] = [await freePort(), await freePort()];
    const web = { port, listen: [`mode ${mode}`] };
    await driven.apply(snapshotOf(service('web', web, [])));
    let round = 0;
    let beside = snapshotOf();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(option, { maxLength: 6 }), { minLength: 30, maxLength: 30 }),
        async (all) => {
          round += 1;
          const members = all.map((options, index) => ({
            ...member(1 + index, `m${round}`),
            haproxyServerOptions: options.join(' '),
          }));
          const now = service('web', web, members);
          expect(await driven.apply(snapshotOf(now, ...beside.values()))).toBe('updated');
          expect(
            Object.values(statesOf(driven, 'web')).filter((state) => state === 'not in haproxy'),
          ).toEqual([]);
          beside = snapshotOf(service(`other${round}`, { port: other }, []));
          expect(await driven.apply(snapshotOf(now, ...beside.values()))).toBe('reloaded');
          expect(driven.driver.status()).toMatchObject({ quarantined: [], trouble: null });
        },
      ),
      { numRuns: 8 },
    );
  },
);

test('hostile records reach neither the file nor another server', async () => {
  await using run = await createRun();
  await using good = await startCopy('good');
  await using driven = drive(run.config);
  const [port, evil] = [await freePort(), await freePort()];
  const records = [
    { name: 'options', haproxy_server_options: `check\nlisten evil\n bind 127.0.0.1:${evil}\n` },
    { name: `x 127.0.0.1:1\n http-request return status 200` },
    { name: 'a;b', haproxy_server_options: 'weight 0; disable server web/good' },
    { name: 'dup', haproxy_server_options: 'id 1' },
    { name: 'percent', haproxy_server_options: '50% %{nokey}' },
  ].map((record) =>
    decodeInstance(
      'id',
      Buffer.from(JSON.stringify({ host: '127.0.0.1', port: good.port, ...record })),
    ),
  );
  const members = records.flatMap((record) => (isBadRecord(record) ? [] : [record]));
  await driven.apply(snapshotOf(service('web', { port }, [member(good.port, 'good')])));
  expect(
    await driven.apply(
      snapshotOf(service('web', { port }, [member(good.port, 'good'), ...members])),
    ),
  ).toBe('updated');
  for (let request = 0; request < 10; request++) expect(await answerOf(port)).toBe('good');
  await expect(answerOf(evil)).rejects.toThrow();
  const { services } = driven.driver.status() as {
    services: { web: { refusedOptions: { server: string; options: unknown[] }[] } };
  };
  expect(services.web.refusedOptions.map(({ server }) => server.split('_')[0])).toEqual(
    expect.arrayContaining(['options', 'a-b.1ab5c0a6'].slice(0, 1)),
  );
  await using stats = await openStatsSocket(run.socket);
  expect((await serversOf(stats)).every(({ backend }) => backend === 'web')).toBe(true);
});

test('a member that is announced by name is served at its address; one that does not resolve is left out', async () => {
  await using run = await createRun();
  await using copy = await startCopy('copy');
  await using driven = drive(run.config);
  const port = await freePort();
  const members = [
    { host: 'localhost', port: copy.port },
    { host: 'no-such-host.invalid', port: copy.port },
  ];
  await driven.apply(snapshotOf(service('web', { port }, members)));
  expect(await answerOf(port)).toBe('copy');
  await using stats = await openStatsSocket(run.socket);
  expect((await serversOf(stats, 'web')).map(({ name }) => name)).toEqual([
    `localhost:${copy.port}`,
  ]);
});

test('a record has the id that it asks for, at runtime and in the file; another that asks for it has its own', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  await using driven = drive({ ...run.config, restart_interval: 0 });
  const port = await freePort();
  await driven.apply(snapshotOf(service('web', { port }, [])));
  const members = [
    { ...member(one.port, 'a'), haproxyServerId: 77 },
    { ...member(two.port, 'b'), haproxyServerId: 77 },
  ];
  const web = service('web', { port }, members);
  expect(await driven.apply(snapshotOf(web))).toBe('updated');
  await using stats = await openStatsSocket(run.socket);
  const ids = async () =>
    (await stats.ask('show servers state web'))
      .split('\n')
      .filter((row) => /^\d+ web /.test(row))
      .map((row) => row.split(' ').slice(2, 4))
      // HAProxy's order is that of the addresses.
      .sort(([, one = ''], [, other = '']) => (one < other ? -1 : 1));
  const [first, second] = await ids();
  expect(first).toEqual(['77', `a_127.0.0.1:${one.port}`]);
  expect(second?.[0]).not.toBe('77');
  const more = service('more', { port: await freePort() }, []);
  expect(await driven.apply(snapshotOf(web, more))).toBe('reloaded');
  const file = await readFile(`${run.config.run_directory}/haproxy.cfg`, 'utf8');
  expect(file).toContain(`server a_127.0.0.1:${one.port} 127.0.0.1:${one.port} id 77`);
  expect(file).toContain(`server b_127.0.0.1:${two.port} 127.0.0.1:${two.port} id ${second?.[0]}`);
});

test('a member whose options change is made anew at runtime, after its connections', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  // An audit does not help it.
  await using driven = drive({ ...run.config, audit_interval: '10m' });
  const port = await freePort();
  const plain = [member(one.port, 'a'), member(two.port, 'b')];
  await driven.apply(snapshotOf(service('web', { port }, plain)));
  const changed = plain.map((each) => ({ ...each, haproxyServerOptions: 'maxconn 7' }));
  await driven.apply(snapshotOf(service('web', { port }, changed)));
  await using stats = await openStatsSocket(run.socket);
  await until(async () => {
    const all = (await stats.ask('show stat -1 4 -1')).split('\n');
    const rows = all.filter((row) => row.startsWith('web,'));
    return rows.length === 2 && rows.every((row) => row.split(',')[6] === '7');
  });
  expect(await answerOf(port)).toMatch(/one|two/);
});

test('a balance that takes no servers at runtime reloads, says why, and needs none for a return', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  await using driven = drive({ ...run.config, restart_interval: 0 });
  const port = await freePort();
  const web = webAt(port, { backend: ['balance static-rr'] });
  await driven.apply(web(one.port));
  expect(await driven.apply(web(one.port, two.port))).toBe('reloaded');
  expect(driven.driver.status()).toMatchObject({
    services: {
      web: { members: 'reload', why: 'balance static-rr takes no new servers at runtime' },
    },
  });
  expect(await driven.apply(web(one.port))).toBe('updated');
  await until(() => statesOf(driven, 'web')[`127.0.0.1:${two.port}`] === 'parked');
  const more = service('more', { port: await freePort() }, []);
  expect(await driven.apply(snapshotOf(...web(one.port).values(), more))).toBe('reloaded');
  expect(statesOf(driven, 'web')[`127.0.0.1:${two.port}`]).toBe('parked');
  const both = snapshotOf(...web(one.port, two.port).values(), more);
  expect(await driven.apply(both)).toBe('updated');
  const answers = new Set([await answerOf(port), await answerOf(port)]);
  expect([...answers].sort()).toEqual(['one', 'two']);
});

test('a server that was parked is deleted when state_file_ttl is over, without a reload', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  await using driven = drive({ ...run.config, state_file_ttl: '300ms', restart_interval: 0 });
  const web = webAt(await freePort(), { backend: ['balance static-rr'] });
  await driven.apply(web(one.port, two.port));
  const worker = pidOf(driven);
  expect(await driven.apply(web(one.port))).toBe('updated');
  await until(() => Object.keys(statesOf(driven, 'web')).length === 1);
  await using stats = await openStatsSocket(run.socket);
  expect(await serversOf(stats, 'web')).toHaveLength(1);
  expect(pidOf(driven)).toBe(worker);
});

test('weights announced by nerve follow without a reload', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  await using driven = drive({ ...run.config, use_nerve_weights: true });
  const port = await freePort();
  const web = (weight: number) =>
    snapshotOf(service('web', { port }, [member(one.port), { ...member(two.port), weight }]));
  await driven.apply(web(1));
  expect(await driven.apply(web(0))).toBe('updated');
  for (let request = 0; request < 5; request++) expect(await answerOf(port)).toBe('one');
  expect(await driven.apply(web(5))).toBe('updated');
});

test('the stats page and the metrics are on one loopback port', async () => {
  await using run = await createRun();
  const port = await freePort();
  await using driven = drive({ ...run.config, stats_address: `127.0.0.1:${port}` });
  await driven.apply(snapshotOf(service('web', { port: await freePort() }, [])));
  const page = await fetch(`http://127.0.0.1:${port}/`);
  expect(await page.text()).toContain('Statistics Report');
  const metrics = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(await metrics.text()).toContain('haproxy_backend_active_servers{proxy="web"} 0');
});

test('a stats page whose port is taken stops nothing else', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const taken = createServer().listen(0, '127.0.0.1');
  try {
    await until(() => taken.listening);
    const { port: stats } = taken.address() as { port: number };
    const port = await freePort();
    await using driven = drive({ ...run.config, stats_address: `127.0.0.1:${stats}` });
    await driven.apply(snapshotOf(service('web', { port }, [member(one.port)])));
    expect(await answerOf(port)).toBe('one');
    expect(driven.driver.status()).toMatchObject({ quarantined: [{ owner: 'stats_address' }] });
  } finally {
    taken.close();
  }
});
