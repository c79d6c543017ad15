import { mkdtemp, rm } from 'node:fs/promises';
import type { RequestListener, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createMetrics, type Log, silentLog } from '@smartstack/daemon';
import { badRecordsOf } from '@smartstack/registry';
import { beforeEach, expect, test, vi } from 'vitest';
import { startServer } from '../../../registry/src/http/server.fixture.ts';
import { collect } from './collect.fixture.ts';
import { docker } from './docker.ts';

interface Engine {
  containers: readonly object[];
  broken: boolean;
  readonly listeners: Set<ServerResponse>;
}

/** What an engine answers: its containers, and a stream of events. */
function engine(...containers: object[]): { state: Engine; answer: RequestListener } {
  const state: Engine = { containers, broken: false, listeners: new Set() };
  const answer: RequestListener = (request, response) => {
    if (state.broken) return void response.writeHead(500).end();
    if (!request.url?.startsWith('/events'))
      return void response.end(JSON.stringify(state.containers));
    response.writeHead(200).flushHeaders();
    state.listeners.add(response);
  };
  return { state, answer };
}

const container = (image: string, published?: number, port = 6379) => ({
  Image: image,
  Ports: [{ PrivatePort: port, ...(published && { PublicPort: published }), Type: 'tcp' }],
});

const warn = vi.fn<Log['warn']>();
let metrics = createMetrics();
beforeEach(() => {
  warn.mockClear();
  metrics = createMetrics();
});

function follow(servers: readonly object[], interval = 0.02) {
  const config = docker.schema.parse({
    method: 'docker',
    servers,
    image_name: 'reg:5000/redis',
    container_port: '6379',
    check_interval: interval,
  });
  const log = { ...silentLog, warn };
  return collect(docker.create(config, { log, metrics } as never));
}

test('published ports of an image’s containers are members', async () => {
  const { answer } = engine(
    container('reg:5000/redis:7', 49_153),
    container('reg:5000/redis', 49_154),
    container('reg:5000/redis:7'),
    container('reg:5000/redis:7', 49_155, 80),
    container('redis:7', 49_156),
    { Image: 'reg:5000/redis:7', Ports: null },
    { Image: 5, Ports: 'none of this shape is refused but that one' },
  );
  await using server = await startServer(answer);
  const found = follow([{ name: 'vm', host: '127.0.0.1', port: server.port }]);
  await vi.waitFor(() =>
    expect(found.newest()).toEqual(['vm 127.0.0.1:49153', 'vm 127.0.0.1:49154']),
  );
  await found.stop();
});

test('a container of another shape is left out alone, said once and counted', async () => {
  const { state, answer } = engine(
    { ...container('reg:5000/redis:7', 49_153), Id: 'good' },
    { ...container('reg:5000/redis:7'), Id: 'hidden' },
    { ...container('redis:7', 49_156), Id: 'other' },
    { Id: 'odd', Image: 5, Ports: 'none' },
    { Id: 'far', Image: 'reg:5000/redis', Ports: [{ PrivatePort: 6379, PublicPort: 70_000 }] },
    null as unknown as object,
  );
  await using server = await startServer(answer);
  const found = follow([{ host: '127.0.0.1', port: server.port }]);
  await vi.waitFor(() => expect(found.newest()).toEqual([' 127.0.0.1:49153']));
  const asked = server.asked.length;
  await vi.waitFor(() => expect(server.asked.length).toBeGreaterThan(asked + 2));
  const reason = 'not a container of Docker';
  const bad = ['odd', 'far', 'item 5'].map((id) => ({ id, reason }));
  const usual = { id: 'hidden', reason: 'its port 6379 is not published', isUsual: true };
  expect(badRecordsOf(found.lists.at(-1) ?? [])).toEqual([usual, ...bad]);
  expect(warn.mock.calls.map(([fields]) => fields)).toMatchObject(
    bad.map(({ id }) => ({ path: 'docker 127.0.0.1', record: id, reason })),
  );
  expect((await metrics.text()).body).toContain(
    'smartstack_registry_bad_records_total{path="docker 127.0.0.1"} 3',
  );
  expect(state.listeners.size).toBe(1);
});

test('an engine is asked over its socket, and at once when it tells of an event', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'docker-'));
  const socket = join(directory, 'docker.sock');
  const { state, answer } = engine();
  await using _ = await startServer(answer, socket);
  const found = follow([{ host: '127.0.0.1', socket }], 600);
  await vi.waitFor(() => expect(found.newest()).toEqual([]));
  await vi.waitFor(() => expect(state.listeners.size).toBe(1));
  state.containers = [container('reg:5000/redis', 1)];
  for (const listener of state.listeners) listener.write('{"Type":"container","Action":"start"}\n');
  await vi.waitFor(() => expect(found.newest()).toEqual([' 127.0.0.1:1']));
  await found.stop();
  await rm(directory, { recursive: true });
});

test('an engine that does not answer keeps what it had, while others go on', async () => {
  const [first, second] = [
    engine(container('reg:5000/redis', 1)),
    engine(container('reg:5000/redis', 2)),
  ];
  await using one = await startServer(first.answer);
  await using two = await startServer(second.answer);
  const found = follow([
    { host: '127.0.0.1', port: one.port },
    { host: '127.0.0.1', port: two.port },
  ]);
  await vi.waitFor(() => expect(found.newest()).toEqual([' 127.0.0.1:1', ' 127.0.0.1:2']));
  first.state.broken = true;
  second.state.containers = [container('reg:5000/redis', 3)];
  await vi.waitFor(() => expect(found.newest()).toEqual([' 127.0.0.1:1', ' 127.0.0.1:3']));
  await found.stop();
});

test('while one engine has never answered nothing is yielded', async () => {
  const { state, answer } = engine();
  state.broken = true;
  await using server = await startServer(answer);
  const found = follow([{ host: '127.0.0.1', port: server.port }]);
  await vi.waitFor(() => expect(server.asked.length).toBeGreaterThan(2));
  expect(found.lists).toEqual([]);
  state.broken = false;
  await vi.waitFor(() => expect(found.newest()).toEqual([]));
  await found.stop();
});
