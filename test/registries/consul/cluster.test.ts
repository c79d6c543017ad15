import { afterAll, beforeAll, expect, test } from 'vitest';

import { type ConsulAgent, startConsul } from '../../support/consul.ts';
import { freePort } from '../../support/ports.ts';
import { createScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { openView, type View } from './views.ts';

let scratch: Scratch;
let servers: readonly ConsulAgent[];
let client: ConsulAgent;
let view: View;

beforeAll(async () => {
  scratch = await createScratch();
  const serfs = await Promise.all([1, 2, 3].map(freePort));
  const join = serfs.map((port) => `127.0.0.1:${port}`);
  const start = (name: string, more: object, count: number) =>
    startConsul({
      directory: scratch.path(name),
      name,
      servers: count,
      config: {
        retry_join: join,
        retry_interval: '1s',
        // Otherwise a server that was stopped has no vote for a while.
        autopilot: { cleanup_dead_servers: false },
        ...more,
      },
    });
  servers = await Promise.all(
    serfs.map((serf, index) => start(`server-${index}`, { ports: { serf_lan: serf } }, 3)),
  );
  client = await start('client', {}, 0);
  await until(async () => (await client.api<string>('GET', '/v1/status/leader')).includes(':'));
  view = openView({ url: client.url, wait: '1s' });
});
afterAll(async () => {
  await view[Symbol.asyncDispose]();
  await Promise.all([...servers, client].map((agent) => agent[Symbol.asyncDispose]()));
  await scratch[Symbol.asyncDispose]();
});

/** In the catalog itself: no agent takes it away again. */
const register = (service: string, port: number, at = client) =>
  until(() => at.api('PUT', '/v1/catalog/register', entryOf(service, port)).then(() => true));
const deregister = (service: string, port: number) =>
  until(() =>
    client
      .api('PUT', '/v1/catalog/deregister', { Node: 'ext', ServiceID: `${service}-${port}` })
      .then(() => true),
  );
const entryOf = (service: string, port: number) => ({
  Node: 'ext',
  Address: '10.0.0.9',
  SkipNodeUpdate: true,
  Service: { ID: `${service}-${port}`, Service: service, Port: port },
});

async function leader(): Promise<ConsulAgent> {
  return until(async () => {
    const at = await client.api<string>('GET', '/v1/status/leader');
    return servers.find(({ ports }) => at.endsWith(`:${ports.server}`));
  });
}

test('a leader that is killed is followed by another: nobody leaves, and what changes is seen', async () => {
  await register('web', 1);
  const seen = view.follow('web');
  const stale = view.follow('web', { consistency: 'stale' });
  await until(() => seen.ports() === '1' && stale.ports() === '1');
  const old = await leader();
  await old.kill();
  await until(async () => (await leader()) !== old);
  await register('web', 2);
  await until(() => seen.ports() === '1 2' && stale.ports() === '1 2');
  await old.start();
  await deregister('web', 1);
  await until(() => seen.ports() === '2' && stale.ports() === '2');
  expect(seen.lists.map((list) => list.map(({ port }) => port).join(' '))).toEqual([
    '1',
    '1 2',
    '2',
  ]);
});

test('without a quorum what was known stands, and says why', async () => {
  await register('quorum', 1);
  const seen = view.follow('quorum');
  await until(() => seen.ports() === '1');
  const old = await leader();
  const others = servers.filter((server) => server !== old);
  await Promise.all(others.map((server) => server.kill()));
  await until(() => seen.troubles.at(-1) !== undefined);
  expect(seen.troubles.at(-1)).toMatch(/No cluster leader|rpc error|no whole answer/);
  expect(view.registries.lastUnhealthy()).toBeGreaterThan(performance.now() - 30_000);
  await Promise.all(others.map((server) => server.start()));
  await register('quorum', 2);
  await until(() => seen.ports() === '1 2');
  expect(seen.lists.map((list) => list.length)).toEqual([1, 2]);
  expect(seen.troubles.at(-1)).toBeUndefined();
});

test('a leader that is stopped holds nobody up for longer than its followers wait', async () => {
  await register('stopped', 1);
  const seen = view.follow('stopped');
  await until(() => seen.ports() === '1');
  const old = await leader();
  const other = servers.find((server) => server !== old);
  old.signal('SIGSTOP');
  try {
    await until(async () => {
      const told = await other?.api<string>('GET', '/v1/status/leader');
      return told !== undefined && told !== '' && !told.endsWith(`:${old.ports.server}`);
    });
    // The client's agent may wait for the one that is stopped.
    await register('stopped', 2, other);
    await until(() => seen.ports() === '1 2');
  } finally {
    old.signal('SIGCONT');
  }
  expect(seen.lists.map((list) => list.length)).toEqual([1, 2]);
});

test('a backup that is restored counts backwards: its members are believed once the leader says so', async () => {
  const file = scratch.path('backup.snap');
  await register('restored', 1);
  await client.cli('snapshot', 'save', file);
  const seen = view.follow('restored');
  const far = openView({ url: client.url, wait: '1s', blocking_queries: 0 });
  const shared = far.follow('restored');
  for (let turn = 0; turn < 30; turn += 1) await register('noise', turn + 1);
  await register('restored', 2);
  await until(() => seen.ports() === '1 2' && shared.ports() === '1 2');
  await client.cli('snapshot', 'restore', file);
  await until(() => seen.ports() === '1' && shared.ports() === '1');
  await register('restored', 3);
  await until(() => seen.ports() === '1 3' && shared.ports() === '1 3');
  expect(view.registries.lastUnhealthy()).toBeGreaterThan(performance.now() - 30_000);
  expect(seen.lists.every((list) => list.length > 0)).toBe(true);
  await far[Symbol.asyncDispose]();
});

test('what nerve announces outlives a change of leader', async () => {
  const own = openView({ url: client.url }, { owner: 'vm-1' });
  const signal = new AbortController().signal;
  const seen = view.follow('announced');
  const instance = { host: '127.0.0.1', port: 80, name: 'vm-1' };
  // Its agent takes no word that the check passes while it tells the servers something and there is no leader.
  const ttl = 8_000;
  await own.registry.announceAs(
    { ttl, deregisterAfter: 60_000, tags: [] },
    'announced',
    instance,
    signal,
  );
  await until(() => seen.ports() === '80');
  const old = await leader();
  await old.kill();
  await until(async () => (await leader()) !== old);
  await old.start();
  await new Promise((resolve) => setTimeout(resolve, ttl + 1_000));
  // One that was registered anew by its agent is another record of the same member.
  const [none, ...others] = seen.lists.map((list) => list.length);
  expect([none, new Set(others)]).toEqual([0, new Set([1])]);
  await own[Symbol.asyncDispose]();
  await until(() => seen.ports() === '');
});
