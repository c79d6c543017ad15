import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFile, readFile, stat } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { answerOf, createRun, drive, killHaproxy, webAt } from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';

test('HAProxy’s words go to a log file, which is set aside when it is too long', async () => {
  await using run = await createRun();
  await using driven = drive(run.config);
  const log = run.path('run', 'haproxy.log');
  const web = webAt(await freePort());
  await driven.apply(web());
  await until(async () => /new worker/i.test(await readFile(log, 'utf8')));
  await appendFile(log, Buffer.alloc(10_000_001, '.'));
  await killHaproxy(run.path('run'));
  await until(async () => (await stat(log)).size < 1_000_000);
  expect((await stat(`${log}.1`)).size).toBeGreaterThan(10_000_000);
});

test('with syslog, each connection is logged there', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  try {
    const port = await freePort();
    const syslog = `127.0.0.1:${socket.address().port}`;
    await using driven = drive({ ...run.config, syslog });
    await driven.apply(webAt(port, { frontend: ['option tcplog'] })(one.port));
    const logged = (async () => {
      for (;;) {
        const [message] = (await once(socket, 'message')) as [Buffer];
        if (message.includes(`web/127.0.0.1:${one.port}`)) return message.toString();
      }
    })();
    expect(await answerOf(port)).toBe('one');
    expect(await logged).toContain('haproxy[');
  } finally {
    socket.close();
  }
});
