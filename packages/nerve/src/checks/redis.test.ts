import { expect, test } from 'vitest';
import { tcpServer } from './server.fixture.ts';
import { checkSchema, createCheck } from './table.ts';
import { createTtlReports } from './ttl-reports.ts';

const { signal } = new AbortController();

/** A server that answers what it is sent, all at once, and what that was. */
async function redisServer(answers: string) {
  let received = '';
  const server = await tcpServer((socket) => {
    socket.on('data', (bytes) => {
      received += bytes;
      socket.write(answers);
    });
  });
  return { server, received: () => received };
}

async function run(port: number, keys: object = {}): Promise<void> {
  const config = checkSchema.parse({ type: 'redis', ...keys });
  const deps = {
    service: 'cache',
    host: '127.0.0.1',
    port,
    directory: '/',
    ttlReports: createTtlReports(),
  };
  await (await createCheck(config, deps)).run(signal);
}

test('a server that answers PING and EXISTS passes', async () => {
  const { server, received } = await redisServer('+PONG\r\n:0\r\n');
  await using _ = server;
  await run(server.port);
  expect(received()).toBe(
    '*1\r\n$4\r\nPING\r\n*2\r\n$6\r\nEXISTS\r\n$25\r\nnerve-redis-service-check\r\n',
  );
});

test('a password is given first, with its user', async () => {
  const { server, received } = await redisServer('+OK\r\n+PONG\r\n:0\r\n');
  await using _ = server;
  await run(server.port, { username: 'nerve', password: 'pâss' });
  expect(received()).toMatch(/^\*3\r\n\$4\r\nAUTH\r\n\$5\r\nnerve\r\n\$5\r\npâss\r\n/);
});

test.each([
  ['-NOAUTH Authentication required.\r\n', 'PING: NOAUTH Authentication required.'],
  ['+PONG\r\n-LOADING Redis is loading\r\n', 'EXISTS: LOADING Redis is loading'],
  ['+HELLO\r\n', 'PING: not a Redis answer'],
])('an answer %j fails and is told', async (answer, reason) => {
  const { server } = await redisServer(answer);
  await using _ = server;
  await expect(run(server.port)).rejects.toThrow(`ask redis 127.0.0.1:${server.port}: ${reason}`);
});
