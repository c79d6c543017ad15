import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';
import { endsWithin } from '../../../../test/support/ends-within.ts';
import { certificate } from './certificate.fixture.ts';
import type { Check } from './check.ts';
import { createProbe } from './probe.ts';
import {
  closedPort,
  httpServer,
  httpsServer,
  type TestServer,
  tcpServer,
} from './server.fixture.ts';
import { checkSchema, createCheck } from './table.ts';
import { createTtlReports } from './ttl-reports.ts';

const probe = async (
  check: Promise<Check>,
  timeout: number,
  signal = new AbortController().signal,
) => createProbe(await check, timeout, signal)();

const run = ({ host, port }: Pick<TestServer, 'host' | 'port'>, keys: object = {}) => {
  const config = checkSchema.parse({ type: 'http', uri: '/health', timeout: 1, ...keys });
  return probe(
    createCheck(config, {
      service: 'web',
      host,
      port,
      directory: '/',
      ttlReports: createTtlReports(),
    }),
    config.timeout,
  );
};
const urlOf = ({ port }: TestServer, scheme = 'http') => `GET ${scheme}://127.0.0.1:${port}/health`;

test.each([
  [200, true],
  [204, true],
  [302, true],
  [399, true],
  [400, false],
  [404, false],
  [500, false],
  [503, false],
])('status %i passes: %j', async (status, passed) => {
  await using server = await httpServer((_, response) => response.writeHead(status).end());
  const reason = `${urlOf(server)}: status ${status}`;
  expect(await run(server)).toMatchObject(passed ? { passed } : { passed, reason });
});

test('a server on IPv6 passes', async () => {
  await using server = await httpServer((_, response) => response.end(), '::1');
  expect(await run(server)).toMatchObject({ passed: true });
});

test('a redirect passes and is not followed', async () => {
  const seen: (string | undefined)[] = [];
  await using server = await httpServer((request, response) => {
    seen.push(request.url);
    response.writeHead(301, { location: '/elsewhere' }).end();
  });
  expect((await run(server)).passed).toBe(true);
  expect(seen).toEqual(['/health']);
});

test('a check opens a connection of its own each time, and closes it', async () => {
  const connections: (string | undefined)[] = [];
  await using server = await httpServer((request, response) => {
    connections.push(request.headers.connection);
    response.end();
  });
  await run(server);
  await run(server);
  expect(server.accepted).toBe(2);
  expect(connections).toEqual(['close', 'close']);
});

test('it asks with its headers and its own name', async () => {
  const seen: IncomingHttpHeaders[] = [];
  await using server = await httpServer((request, response) => {
    seen.push(request.headers);
    response.end();
  });
  await run(server, { headers: { Host: 'web.example', 'X-Check': 1 } });
  expect(seen[0]).toMatchObject({ host: 'web.example', 'x-check': '1', 'user-agent': 'nerve' });
});

describe('expect', () => {
  test.each([
    ['all is well', true],
    ['bad', false],
  ])('of "well" in the body %j passes: %j', async (body, passed) => {
    await using server = await httpServer((_, response) => response.end(body));
    const reason = `${urlOf(server)}: status 200, but the body does not contain "well"`;
    expect(await run(server, { expect: 'well' })).toMatchObject(
      passed ? { passed } : { passed, reason },
    );
  });

  test('is found across the chunks of a body', async () => {
    await using server = await httpServer((_, response) => {
      response.write('we');
      setImmediate(() => response.end('ll'));
    });
    expect((await run(server, { expect: 'well' })).passed).toBe(true);
  });

  test('is not looked for behind the first megabyte', async () => {
    await using server = await httpServer((_, response) => {
      const chunk = Buffer.alloc(65_536, 'x');
      const pour = () => {
        // By way of the event loop: a failed write calls back at once, before `destroyed` is known.
        if (!response.destroyed) response.write(chunk, () => setImmediate(pour));
      };
      pour();
    });
    const { reason } = await run(server, { expect: 'well', timeout: 10 });
    expect(reason).toContain('does not contain "well"');
  });
});

describe('a port that another service took is told by', () => {
  const other = () =>
    httpServer((_, response) => {
      response.setHeader('X-Service', 'api').end('I am api');
    });

  test('a header that names the service', async () => {
    await using server = await other();
    const expected = (name: string) => ({ expect_headers: { 'X-Service': name } });
    expect(await run(server, expected('web'))).toMatchObject({
      passed: false,
      reason: `${urlOf(server)}: status 200, but the header x-service is "api", expected "web"`,
    });
    expect((await run(server, { expect_headers: { server: 'x' } })).reason).toContain(
      'but the header server is none, expected "x"',
    );
    expect((await run(server, expected('api'))).passed).toBe(true);
  });

  test('its body', async () => {
    await using server = await other();
    expect((await run(server, { expect: 'I am web' })).passed).toBe(false);
    expect((await run(server, { expect_match: '^I am web$' })).passed).toBe(false);
    expect((await run(server, { expect_match: '^I am api$' })).passed).toBe(true);
  });
});

test.each([
  [[200], 200, true],
  [[200], 204, false],
  [['200-299', 418], 418, true],
  [['200-299', 418], 299, true],
  [['200-299', 418], 302, false],
])('with status: %j status %i passes: %j', async (accepted, status, passed) => {
  await using server = await httpServer((_, response) => response.writeHead(status).end());
  expect((await run(server, { status: accepted })).passed).toBe(passed);
});

test('the method may be another', async () => {
  await using server = await httpServer((request, response) =>
    response.writeHead(request.method === 'HEAD' ? 200 : 500).end(),
  );
  expect(await run(server, { method: 'HEAD' })).toMatchObject({ passed: true });
  expect((await run(server, { method: 'POST' })).reason).toMatch(/^POST http:/);
});

test.each([
  ['version 1.2', true],
  ['version x', false],
])('expect_match of a version in the body %j passes: %j', async (body, passed) => {
  await using server = await httpServer((_, response) => response.end(body));
  const reason = `${urlOf(server)}: status 200, but the body does not match /\\d+\\.\\d+/`;
  const result = await run(server, { expect_match: '\\d+\\.\\d+' });
  expect(result).toMatchObject(passed ? { passed } : { passed, reason });
});

describe('a server fails that', () => {
  test('is not there', async () => {
    const port = await closedPort();
    expect(await run({ host: '127.0.0.1', port })).toMatchObject({
      passed: false,
      reason: `GET http://127.0.0.1:${port}/health: refused`,
    });
  });

  test.each([
    ['is silent', () => {}, 'no answer within 150 ms'],
    [
      'is slow',
      (socket: Socket) => setTimeout(() => socket.end('HTTP/1.1 200 OK\r\n\r\n'), 5000).unref(),
      'no answer within 150 ms',
    ],
    [
      'closes at once',
      (socket: Socket) => socket.end(),
      'connection closed before the answer was whole',
    ],
    [
      'resets the connection',
      (socket: Socket) => socket.once('data', () => socket.resetAndDestroy()),
      'connection closed before the answer was whole',
    ],
    [
      'answers garbage',
      (socket: Socket) => socket.end('hello\r\n\r\n'),
      'not an HTTP answer: Expected HTTP/, RTSP/ or ICE/',
    ],
    [
      'answers half a head',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-'),
      'connection closed before the answer was whole',
    ],
    [
      'answers half a body',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'),
      'connection closed before the answer was whole',
    ],
    [
      'stops within the body',
      (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'),
      'no answer within 150 ms',
    ],
    [
      'pours out an endless head',
      (socket: Socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(300_000)}`),
      'not an HTTP answer: Header overflow',
    ],
  ])('%s', async (_, onConnection, reason) => {
    await using server = await tcpServer((socket) => {
      socket.resume();
      onConnection(socket);
    });
    expect(await endsWithin(1000, run(server, { timeout: 0.15 }))).toMatchObject({
      passed: false,
      reason: `${urlOf(server)}: ${reason}`,
    });
  });

  test('sends a byte now and then, for longer than the deadline', async () => {
    await using server = await httpServer((_, response) => {
      const drip = () => {
        if (!response.destroyed) response.write('x', () => setTimeout(drip, 20));
      };
      drip();
    });
    const { reason } = await run(server, { timeout: 0.2, read_timeout: 0.1 });
    expect(reason).toBe(`${urlOf(server)}: no answer within 200 ms`);
  });

  test('waits longer between bytes than read_timeout', async () => {
    await using server = await httpServer((_, response) => response.write('x'));
    const { reason } = await run(server, { timeout: 5, read_timeout: 0.1 });
    expect(reason).toBe(`${urlOf(server)}: no answer within 100 ms`);
  });
});

describe('TLS', () => {
  const ok = () => httpsServer((_, response) => response.end());

  test('with ssl: true accepts any certificate, as the originals did', async () => {
    await using server = await ok();
    expect(await run(server, { ssl: true })).toMatchObject({ passed: true });
  });

  test.each([{ type: 'https' }, { ssl: true, insecure: false }])(
    'with %j refuses a certificate that no authority signed',
    async (keys) => {
      await using server = await ok();
      const { passed, reason } = await run(server, keys);
      expect(passed).toBe(false);
      // Newer Node.js adds advice.
      expect(reason).toContain(`${urlOf(server, 'https')}: self-signed certificate`);
    },
  );

  test('of type https accepts it with insecure: true', async () => {
    await using server = await ok();
    expect(await run(server, { type: 'https', insecure: true })).toMatchObject({ passed: true });
  });

  test('of type https accepts a certificate that its ca signed, for the name that it carries', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'ca-'));
    await writeFile(join(directory, 'ca.pem'), certificate.cert);
    try {
      await using server = await ok();
      const ca = join(directory, 'ca.pem');
      expect(await run(server, { type: 'https', ca })).toMatchObject({ passed: true });
      expect(await run(server, { type: 'https', ca, server_name: 'localhost' })).toMatchObject({
        passed: true,
      });
      const { reason } = await run(server, { type: 'https', ca, server_name: 'other.example' });
      expect(reason).toContain("does not match certificate's altnames");
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('shows a client certificate, and asks for server_name', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'client-'));
    const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    await writeFile(cert, certificate.cert);
    await writeFile(key, certificate.key);
    const asked: string[] = [];
    try {
      await using server = await httpsServer((_, response) => response.end(), {
        requestCert: true,
        rejectUnauthorized: true,
        ca: certificate.cert,
        SNICallback: (name, done) => {
          asked.push(name);
          done(null);
        },
      });
      const keys = { type: 'https', ca: cert, server_name: 'localhost' };
      expect((await run(server, keys)).passed).toBe(false);
      expect(await run(server, { ...keys, cert, key })).toMatchObject({ passed: true });
      expect(asked).toEqual(['localhost', 'localhost']);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('with a ca that cannot be read is refused before it runs', async () => {
    await using server = await ok();
    await expect(run(server, { type: 'https', ca: '/no/ca.pem' })).rejects.toThrow(
      'cannot read ca: ENOENT',
    );
  });

  test('fails where the server speaks plain HTTP', async () => {
    await using server = await httpServer((_, response) => response.end());
    expect((await run(server, { ssl: true })).passed).toBe(false);
  });

  test('fails after ssl_timeout where the server never shakes hands', async () => {
    await using server = await tcpServer((socket) => socket.resume());
    const { reason } = await run(server, { ssl: true, timeout: 5, ssl_timeout: 0.1 });
    expect(reason).toBe(`${urlOf(server, 'https')}: no TLS handshake within 100 ms`);
  });
});
