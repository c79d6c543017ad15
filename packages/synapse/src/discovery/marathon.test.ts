import type { RequestListener } from 'node:http';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { json, startServer, type TestServer } from '../../../registry/src/http/server.fixture.ts';
import { collect } from './collect.fixture.ts';
import { marathon } from './marathon.ts';

const task = (host: string, more: object = {}) => ({
  id: `web.${host}`,
  host,
  ports: [31_000, 31_001],
  startedAt: '2026-01-01T00:00:00.000Z',
  ...more,
});

let server: TestServer;
beforeEach(async () => {
  server = await startServer(json({ tasks: [task('a'), task('b')] }));
});
afterEach(() => server[Symbol.asyncDispose]());

function follow(more: object = {}) {
  const config = marathon.schema.parse({
    method: 'marathon',
    marathon_api_url: server.url,
    application_name: 'web',
    check_interval: 0.02,
    ...more,
  });
  return collect(marathon.create(config, { log: silentLog, metrics: createMetrics() } as never));
}

test('started tasks are members', async () => {
  const found = follow();
  await vi.waitFor(() => expect(found.newest()).toEqual(['a a:31000', 'b b:31000']));
  expect(server.asked[0]).toBe('/v2/apps/web/tasks');
});

test('a task that has not started, has no such port or no good host is none', async () => {
  server.answer = json({
    tasks: [
      task('a', { startedAt: null }),
      task('b', { ports: [1] }),
      task('c d'),
      task('e', { ports: null }),
      task('g', { ports: [0, 0] }),
      task('f'),
    ],
  });
  const found = follow({ port_index: 1 });
  await vi.waitFor(() => expect(found.newest()).toEqual(['f f:31001']));
});

test.each<[string, RequestListener]>([
  ['a 500', (_, response) => response.writeHead(500).end()],
  ['a cut answer', (_, response) => response.write('{"tasks": [', () => response.destroy())],
  ['no JSON', (_, response) => response.end('<html>')],
  ['another JSON', json({ message: 'App does not exist' })],
])('%s changes nothing, and the next good answer is taken', async (_, bad) => {
  const found = follow();
  await vi.waitFor(() => expect(found.lists).toHaveLength(1));
  server.answer = bad;
  const before = server.asked.length;
  await vi.waitFor(() => expect(server.asked.length).toBeGreaterThan(before + 1));
  expect(found.lists).toHaveLength(1);
  server.answer = json({ tasks: [] });
  await vi.waitFor(() => expect(found.newest()).toEqual([]));
});

test('a task of another shape is left out alone, and the others are members', async () => {
  server.answer = json({ tasks: [task('a'), { host: 5 }, null, 'x', task('b', { ports: {} })] });
  const found = follow();
  await vi.waitFor(() => expect(found.newest()).toEqual(['a a:31000']));
});
