import type { RequestListener } from 'node:http';

import type { Instance } from '@smartstack/registry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../registry/src/http/server.fixture.ts';
import { type Catalog, createCatalog } from '../api/catalog.ts';
import { createApi } from '../api/handler.ts';
import { createClient } from './client.ts';
import { explanationText, statusTable } from './shown.ts';
import { waitForMembers } from './wait.ts';

let server: TestServer;
let catalog: Catalog;
beforeEach(async () => {
  catalog = createCatalog();
  const api = createApi({
    health: async () => ({ stateOf: () => 'up' }),
    compare: (name) => (name === 'web' ? { equal: true } : undefined),
    catalog,
    explain: () => undefined,
    accept: (name) => (name === 'web' ? true : undefined),
  });
  const answer: RequestListener = (request, response) => void api(request, response);
  server = await startServer(answer);
});
afterEach(() => server[Symbol.asyncDispose]());

const client = () => createClient({ host: '127.0.0.1', port: server.port });
const serve = (instances: readonly Instance[] | undefined, defaults: readonly Instance[] = []) =>
  catalog.driver.apply(
    new Map([['web', { name: 'web', instances, defaults, origin: 'x' }]]),
    new AbortController().signal,
  );
const members = (count: number): readonly Instance[] =>
  Array.from({ length: count }, (_, i) => ({ host: `h${i}`, port: 1 }));

test('waiting ends as soon as the members are there', async () => {
  await serve(undefined, members(3));
  const waiting = waitForMembers(client(), { service: 'web', members: 2, timeout: 5000 });
  await new Promise((resolve) => setTimeout(resolve, 30));
  await serve(members(1));
  await new Promise((resolve) => setTimeout(resolve, 30));
  await serve(members(2));
  expect(await waiting).toEqual({ reached: true, members: 2 });
});

test('waiting ends with its time', async () => {
  await serve(members(1));
  expect(await waitForMembers(client(), { service: 'web', members: 2, timeout: 50 })).toEqual({
    reached: false,
    members: 1,
  });
});

test('waiting for a service that is not there, or a synapse that does not answer, says so', async () => {
  await serve(members(1));
  const wait = (service: string, port: number) =>
    waitForMembers(createClient({ host: '127.0.0.1', port }), { service, members: 1, timeout: 20 });
  await expect(wait('other', server.port)).rejects.toThrow('there is no service other');
  const gone = await startServer(() => {});
  await gone[Symbol.asyncDispose]();
  await expect(wait('web', gone.port)).rejects.toThrow(/^cannot ask synapse at .*ECONNREFUSED/);
});

test('orders are orders', async () => {
  expect(await client().order('/v1/accept/web')).toEqual({ service: 'web', accepted: true });
  await expect(client().order('/v1/accept/other')).rejects.toThrow('there is no service other');
});

test('the table shows members, who is up, and what is unusual', () => {
  const plain = { heard: true, stale: false, members: [1, 2, 3], held: null };
  const ejected = { since: '', why: 'errors', back: '2026-01-01T00:00:30.000Z' };
  const shown = (state: string) => ({
    address: `${state}:1`,
    state,
    ...(state === 'ejected' && { ejected }),
  });
  const text = statusTable({
    config_problems: ['conf.d/x.yaml:1:1: bad'],
    services: {
      web: plain,
      'a-long-name': { ...plain, held: { members: [1], until: '2026-01-01T00:00:00.000Z' } },
      old: { ...plain, heard: false, stale: true },
      new: { ...plain, heard: false, members: [] },
    },
    proxies: {
      haproxy: {
        trouble: 'cannot reload',
        services: { web: { servers: [shown('up'), shown('ejected')] } },
      },
    },
  });
  expect(text.split('\n')).toEqual([
    'SERVICE      MEMBERS  UP',
    'web          3        1   ejected: ejected:1 until 2026-01-01T00:00:30.000Z',
    'a-long-name  3        -   1 lost members held back until 2026-01-01T00:00:00.000Z',
    'old          3        -   stale: remembered from an earlier run',
    'new          0        -   no answer yet',
    'haproxy: cannot reload',
    'configuration: conf.d/x.yaml:1:1: bad',
    '',
  ]);
});

test('an explanation is a sentence for each member, or for the one asked for', () => {
  const explanation = {
    service: 'web',
    method: 'zookeeper',
    configured_at: 's.yaml:2:3',
    summary: '2 found, 1 served',
    members: [
      { address: 'a:1', name: 'vm', served: true, why: 'in the proxy: up' },
      { address: 'b:1', name: null, served: false, why: 'left out' },
    ],
    troubles: [],
    unreadable: [],
  };
  const head = 'web (zookeeper, s.yaml:2:3): 2 found, 1 served\n';
  expect(explanationText(explanation)).toBe(
    `${head}  a:1  vm  served      in the proxy: up\n  b:1      not served  left out\n`,
  );
  expect(explanationText(explanation, 'b:1')).toBe(`${head}  b:1    not served  left out\n`);
  expect(explanationText(explanation, 'c:1')).toMatch(/ {2}c:1: not found/);
});
