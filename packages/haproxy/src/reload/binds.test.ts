// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables, not JavaScript's
import { once } from 'node:events';
import { createServer } from 'node:net';
import { listensOn, probe } from '@smartstack/proxy';
import { expect, test } from 'vitest';
import { type Bind, bindsOf, collide } from './binds.ts';

const section = { title: 'frontend web', lines: [] };
const bind = (host: string, port: number): Bind => ({ host, port, section });

test('the TCP addresses of sections are found, other kinds are HAProxy’s affair', () => {
  const lines = [
    'bind 127.0.0.1:80 ssl crt /x',
    'bind  :81,ipv4@10.0.0.1:82',
    'bind [::1]:83',
    'bind /run/web.sock',
    'bind 127.0.0.1:9000-9010',
    'bind "${HOST}:84"',
  ];
  const found = bindsOf([{ title: 'frontend web', lines }]);
  expect(found.map(({ host, port }) => `${host} ${port}`)).toEqual([
    '127.0.0.1 80',
    ' 81',
    '10.0.0.1 82',
    '::1 83',
  ]);
});

test.each([
  [bind('127.0.0.1', 80), bind('localhost', 80), true],
  [bind('127.0.0.1', 80), bind('*', 80), true],
  [bind('', 80), bind('10.0.0.1', 80), true],
  [bind('127.0.0.1', 80), bind('127.0.0.2', 80), false],
  [bind('127.0.0.1', 80), bind('127.0.0.1', 81), false],
])('%o and %o collide: %j', (one, other, expected) => {
  expect(collide(one, other)).toBe(expected);
});

test('a port that a process holds is taken, and whose it is can be told', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  expect(await probe(bind('localhost', port))).toBe(
    `cannot listen on localhost:${port}: another process has taken it`,
  );
  expect(await listensOn(process.pid, port)).toBe(true);
  expect(await listensOn(process.ppid, port)).toBe(false);
  server.close();
  await once(server, 'close');
  expect(await probe(bind('localhost', port))).toBeUndefined();
});
