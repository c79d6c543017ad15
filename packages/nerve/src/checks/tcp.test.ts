import { connect } from 'node:net';

import { expect, test } from 'vitest';
import { endsWithin } from '../../../../test/support/ends-within.ts';
import type { Check } from './check.ts';
import { fullServer } from './full-server.fixture.ts';
import { createProbe } from './probe.ts';
import { closedPort, tcpServer } from './server.fixture.ts';
import { createCheck } from './table.ts';
import { isSelfConnected } from './tcp.ts';
import { createTtlReports } from './ttl-reports.ts';

const probe = async (
  check: Promise<Check>,
  timeout: number,
  signal = new AbortController().signal,
) => createProbe(await check, timeout, signal)();
const serve = (host?: string) => tcpServer(() => {}, host);

const check = (host: string, port: number) =>
  createCheck(
    { type: 'tcp', timeout: 100, rise: 1, fall: 1 },
    { service: 'web', host, port, directory: '/', ttlReports: createTtlReports() },
  );

test.each(['127.0.0.1', '::1', 'localhost'])('a server at %s passes', async (host) => {
  await using server = await serve(host);
  const { port } = server;
  expect(await probe(check(host, port), 1000)).toMatchObject({ passed: true });
});

test('a server that is silent passes, as it accepts', async () => {
  await using server = await serve();
  expect((await probe(check(server.host, server.port), 1000)).passed).toBe(true);
});

test('a server that closes at once passes, as it accepts', async () => {
  await using server = await tcpServer((socket) => socket.destroy());
  expect((await probe(check(server.host, server.port), 1000)).passed).toBe(true);
});

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '[::1]'],
])('a closed port at %s fails as refused', async (host, shown) => {
  const port = await closedPort(host);
  expect(await probe(check(host, port), 1000)).toMatchObject({
    passed: false,
    reason: `connect ${shown}:${port}: refused`,
  });
});

test('a name that has no address fails and says so', async () => {
  const { passed, reason } = await probe(check('no-such-name.invalid', 80), 5000);
  expect(passed).toBe(false);
  expect(reason).toMatch(/^connect no-such-name\.invalid:80: (no such host name|the name server)/);
});

test('a host that does not answer fails at its deadline', async () => {
  await using server = await fullServer();
  const result = await endsWithin(1000, probe(check(server.host, server.port), 100));
  expect(result.reason).toBe(`connect ${server.host}:${server.port}: no answer within 100 ms`);
});

test('an aborted check ends at once', async () => {
  await using server = await fullServer();
  const stop = new AbortController();
  const running = createProbe(await check(server.host, server.port), 60_000, stop.signal)();
  stop.abort(new Error('stopped'));
  expect((await running).reason).toMatch(/: stopped$/);
});

test('a connection that met itself is told from one to a server', async () => {
  const port = await closedPort();
  const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.1', localPort: port });
  await new Promise((resolve) => socket.once('connect', resolve));
  expect(isSelfConnected(socket)).toBe(true);
  socket.destroy();

  await using server = await serve();
  const other = connect({ host: server.host, port: server.port });
  await new Promise((resolve) => other.once('connect', resolve));
  expect(isSelfConnected(other)).toBe(false);
  other.destroy();
});

test('a check goes to its own host and port where it has them', async () => {
  await using server = await serve();
  const { host, port } = server;
  const own = createCheck(
    { type: 'tcp', host, port, timeout: 100, rise: 1, fall: 1 },
    { service: 'web', host: '192.0.2.1', port: 1, directory: '/', ttlReports: createTtlReports() },
  );
  expect((await own).name).toBe(`web tcp-127.0.0.1:${port}`);
  expect((await probe(own, 1000)).passed).toBe(true);
});
