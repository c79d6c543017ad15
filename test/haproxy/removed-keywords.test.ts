import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, test } from 'vitest';

import { rewrites } from '../../packages/haproxy/src/config/removed/rewrites.fixture.ts';
import {
  createRun,
  drive,
  member,
  type ServiceSection,
  service,
  snapshotOf,
} from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  /** What the server saw of the request; undefined where none came to it. */
  readonly seen: { readonly url: string; readonly headers: IncomingHttpHeaders } | undefined;
}

/** A server that answers with a few headers, and what it saw last. */
async function startServer() {
  let seen: Answer['seen'];
  const server = createServer((request, response) => {
    seen = { url: request.url ?? '', headers: request.headers };
    response.setHeader('server', 'node');
    response.setHeader('location', 'http://a.example/x');
    response.setHeader('set-cookie', ['a=1', 'b=2; Path=/']);
    if (request.url === '/secret') response.setHeader('x-secret', 'key');
    response.end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    takeSeen: () => {
      const last = seen;
      seen = undefined;
      return last;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function ask(port: number, path: string, headers: IncomingHttpHeaders) {
  return new Promise<Omit<Answer, 'seen'>>((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers }));
    });
    request.on('error', reject).end();
  });
}

/** What becomes of requests to a service with these lines, one after the other, in a real HAProxy. */
async function answers(
  section: ServiceSection,
  ...requests: readonly { readonly path?: string; readonly headers?: IncomingHttpHeaders }[]
): Promise<readonly Answer[]> {
  await using run = await createRun();
  await using server = await startServer();
  await using driven = drive({ ...run.config, defaults: defaults });
  const port = await freePort();
  const web = service('web', { port, ...section }, [member(server.port)]);
  await driven.apply(snapshotOf(web));
  expect(driven.driver.status()).toMatchObject({ quarantined: [] });
  const all: Answer[] = [];
  for (const { path = '/', headers = {} } of requests)
    all.push({ ...(await ask(port, path, headers)), seen: server.takeSeen() });
  return all;
}

const defaults = [
  'mode http',
  'option forceclose',
  'timeout tarpit 20ms',
  'clitimeout 5s',
  'srvtimeout 5s',
  'contimeout 5s',
];

test('HAProxy takes every line that runs in the place of a removed one', async () => {
  const lines = [
    'acl held src 10.0.0.1',
    'acl late src 10.0.0.2',
    'acl a src 10.0.0.3',
    ...rewrites.map(([line]) => line),
  ];
  const frontend = lines.filter((line) => !/contimeout|srvtimeout|redisp/.test(line));
  const backend = lines.filter((line) => !/clitimeout/.test(line));
  const [answer] = await answers({ frontend, backend }, {});
  // `block unless held` is among them.
  expect(answer?.status).toBe(403);
});

test('headers are removed before others are added, whatever the order in the file', async () => {
  const backend = ['reqadd X-Mode:\\ ro', 'reqidel ^X-Mode:.*', 'reqadd X-Share:\\ 50%\\ of\\ it'];
  const [answer] = await answers({ backend }, { headers: { 'x-mode': 'rw' } });
  expect(answer?.seen?.headers).toMatchObject({ 'x-mode': 'ro', 'x-share': '50% of it' });
});

test('a request is denied or held by its condition alone', async () => {
  const held = { headers: { 'x-hold': 'web' } };
  const acl = 'acl held hdr_sub(X-Hold) -i web';
  const statuses = async (line: string) =>
    (await answers({ backend: [acl, line] }, held, {})).map(({ status }) => status);
  expect(await statuses('reqtarpit . if held')).toEqual([500, 200]);
  expect(await statuses('block if held')).toEqual([403, 200]);
  expect(await statuses('reqideny . unless held')).toEqual([200, 403]);
});

test('a request is denied by a header, with or without regard to case', async () => {
  const requests = ['EVIL one', 'evil one', 'an evil one'].map((value) => ({
    headers: { 'x-bad': value },
  }));
  const statuses = async (line: string) =>
    (await answers({ frontend: [line] }, ...requests, {})).map(({ status }) => status);
  expect(await statuses('reqideny ^X-Bad:\\ evil')).toEqual([403, 403, 200, 200]);
  expect(await statuses('reqdeny ^X-Bad:\\ evil')).toEqual([200, 403, 200, 200]);
  expect(await statuses('reqdeny ^X-Bad:.*')).toEqual([403, 403, 403, 200]);
});

test('a header and the path of a request are replaced', async () => {
  const frontend = [
    'reqirep ^Host:\\ (.*)\\.old$ Host:\\ \\1.new',
    'reqrep ^([^\\ :]*)\\ /static/(.*) \\1\\ /\\2',
  ];
  const [changed, other] = await answers(
    { frontend },
    { path: '/static/a?b=/static/c', headers: { host: 'web.OLD' } },
    { path: '/x/static/a', headers: { host: 'web.old.example' } },
  );
  expect(changed?.seen).toMatchObject({ url: '/a?b=/static/c', headers: { host: 'web.new' } });
  expect(other?.seen).toMatchObject({ url: '/x/static/a', headers: { host: 'web.old.example' } });
});

test('headers of a response are removed, replaced and added, and a response is denied', async () => {
  const backend = [
    'rspidel ^Server:.*',
    'rsprep ^Location:\\ http://(.*) Location:\\ https://\\1',
    'rspadd Via:\\ proxy',
    'rspideny ^X-Secret:.*',
  ];
  const [plain, secret] = await answers({ backend }, {}, { path: '/secret' });
  expect(plain).toMatchObject({
    status: 200,
    headers: { location: 'https://a.example/x', via: 'proxy' },
  });
  expect(plain?.headers).not.toHaveProperty('server');
  expect(secret?.status).toBe(502);
});

test('rules whose first group holds what stays, and names by their beginning or as a choice', async () => {
  const [answer, other] = await answers(
    {
      frontend: ['reqrep ^([^\\ ]*\\ /)admin[/]?(.*) \\1\\2'],
      backend: [
        'reqidel ^X-Real',
        'reqidel ^(X-A|X-B):.*',
        'rspirep ^(Set-Cookie:.*) \\1;\\ Secure',
        'rsprep ^(Location:\\ )http://([^/]*)(.*)$ \\1https://\\2:8443\\3',
      ],
    },
    {
      path: '/admin/x?y',
      headers: { 'x-real-ip': '1', 'x-a': '1', 'X-B': '1', 'x-b2': '1', 'y-x-real': '1' },
    },
    { path: '/x/admin/' },
  );
  expect(answer?.seen?.url).toBe('/x?y');
  expect(other?.seen?.url).toBe('/x/admin/');
  const seen = Object.keys(answer?.seen?.headers ?? {});
  expect(seen).toEqual(expect.arrayContaining(['x-b2', 'y-x-real']));
  for (const name of ['x-real-ip', 'x-a', 'x-b']) expect(seen).not.toContain(name);
  expect(answer?.headers['set-cookie']).toEqual(['a=1; Secure', 'b=2; Path=/; Secure']);
  expect(answer?.headers.location).toBe('https://a.example:8443/x');
});

test('option forceclose closes each connection after its answer', async () => {
  const [answer] = await answers({}, { headers: { connection: 'keep-alive' } });
  expect(answer?.headers.connection).toBe('close');
});

test('a line that cannot be rewritten leaves its own service out, and no other', async () => {
  await using run = await createRun();
  await using server = await startServer();
  await using driven = drive(run.config);
  const [port, other] = [await freePort(), await freePort()];
  const bad = service('bad', { port: other, listen: ['mode http', 'reqpass ^X:'] }, []);
  const web = service('web', { port, listen: ['mode http', 'option forceclose'] }, [
    member(server.port),
  ]);
  await driven.apply(snapshotOf(bad, web));
  expect((await ask(port, '/', {})).status).toBe(200);
  expect(driven.driver.status()).toMatchObject({
    quarantined: [{ owner: 'bad', reason: expect.stringContaining('reqpass') as string }],
  });
});
