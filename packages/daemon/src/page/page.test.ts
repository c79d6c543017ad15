import { once } from 'node:events';
import { get, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endsWithin } from '../../../../test/support/ends-within.ts';
import { silentLog } from '../logs/log.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { serveStatus } from '../status/status.ts';
import { createJournal } from './journal.ts';
import type { PageMessage, PageView } from './model.ts';

let ended: AbortController;
let served: Promise<void>;
let port: number;
let base: string;
let shown: PageView;
let views = 0;
let measures = 0;
const journal = createJournal();

const viewOf = (state: string): PageView => ({
  facts: [],
  notices: [],
  services: [{ name: 'web', tone: 'good', state, place: '', facts: [], rows: [], hidden: 0 }],
});

beforeEach(async () => {
  ended = new AbortController();
  port = await freePort();
  base = `http://127.0.0.1:${port}`;
  shown = viewOf('up');
  served = serveStatus(
    { host: '127.0.0.1', port },
    {
      metrics: createMetrics(),
      ready: () => true,
      status: () => ({}),
      log: silentLog,
      page: {
        about: { daemon: 'd', instance: 'i', version: '1', row: 'member', plots: [], started: 0 },
        journal,
        view: () => {
          views += 1;
          return shown;
        },
        measure: async () => {
          measures += 1;
        },
      },
    },
    ended.signal,
  );
  await vi.waitFor(() => fetch(`${base}/health`));
});
afterEach(async () => {
  ended.abort();
  await served;
});

test('the page may load and run nothing that this server does not send', async () => {
  const response = await fetch(base);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect(policy).not.toContain('unsafe');
  expect(policy).toContain("frame-ancestors 'none'");
  const html = await response.text();
  expect(html).not.toMatch(/https?:|<style|style=|\son\w+=|<script>/);
  for (const [, path] of html.matchAll(/(?:href|src)="(\/page\/[^"]+(?:css|svg))"/g))
    expect((await fetch(`${base}${path}`)).status).toBe(200);
});

test.each(['/page/', '/page/../package.json', '/page/..%2fpackage.json', '/page/tsconfig.json'])(
  'no file but the page’s is sent for %s',
  async (path) => {
    expect(await statusOf(path, {})).toBe(404);
  },
);

test('a viewer gets a change at once', async () => {
  await using watcher = await watch();
  expect(await watcher.next()).toMatchObject({
    about: { daemon: 'd' },
    services: [{ state: 'up' }],
  });
  shown = viewOf('down');
  const next = async () => {
    let message = await watcher.next();
    while (!message.services) message = await watcher.next();
    return message.services;
  };
  expect(await endsWithin(1000, next())).toMatchObject([{ state: 'down' }]);
});

test('a viewer that cannot stream polls the whole state', async () => {
  journal.add({ kind: 'joined', tone: 'good', text: 'x' });
  for (const _ of [1, 2]) {
    const state = (await (await fetch(`${base}/page/state`)).json()) as PageMessage;
    expect(state).toMatchObject({
      about: { daemon: 'd' },
      order: ['web'],
      events: [{ text: 'x' }],
    });
  }
});

test('without viewers the daemon is asked for nothing', async () => {
  const [before, measured] = [views, measures];
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect([views, measures]).toEqual([before, measured]);
});

test('it is not for pages that point a name of theirs at this machine', async () => {
  for (const path of ['/', '/page/stream', '/page/state', '/status', '/metrics', '/health'])
    expect(await statusOf(path, { host: 'evil.example' })).toBe(421);
  expect(await statusOf('/', { host: `localhost:${port}` })).toBe(200);
});

test('where the network may ask, only monitoring does so by any name', async () => {
  const other = await freePort();
  const own = new AbortController();
  const open = serveStatus(
    { host: '0.0.0.0', port: other },
    { metrics: createMetrics(), ready: () => true, status: () => ({}), log: silentLog },
    own.signal,
  );
  await vi.waitFor(() => fetch(`http://127.0.0.1:${other}/health`));
  expect(await statusOf('/metrics', { host: 'vm-1.example' }, other)).toBe(200);
  expect(await statusOf('/status', { host: 'vm-1.example' }, other)).toBe(421);
  own.abort();
  await open;
});

async function watch() {
  const response = await fetch(`${base}/page/stream`);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    next: async (): Promise<PageMessage> => {
      for (;;) {
        const [, data, rest] = /data: (.*)\n\n([\s\S]*)/.exec(text) ?? [];
        if (data !== undefined) {
          text = rest ?? '';
          return JSON.parse(data) as PageMessage;
        }
        text += (await reader?.read())?.value ?? '';
      }
    },
    [Symbol.asyncDispose]: async () => reader?.cancel(),
  };
}

async function statusOf(path: string, headers: IncomingHttpHeaders, at = port): Promise<number> {
  const request = get({ host: '127.0.0.1', port: at, path, headers });
  const [response] = (await once(request, 'response')) as [{ statusCode: number }];
  request.destroy();
  return response.statusCode;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: free } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return free;
}
