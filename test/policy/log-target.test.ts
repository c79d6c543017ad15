import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';

import { commandOf } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { ask, type Member, serviceOf, startMember, startWorld } from './world.fixture.ts';

/** Where access logs go. */
const json = { access_log: 'json', outlier_ejection: false } as const;

let scratch: Scratch;
let member: Member;
beforeAll(async () => {
  scratch = await createScratch();
  member = await startMember('a');
});
afterAll(async () => {
  await member[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

test('with a syslog address the lines go there, whole', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const got: string[] = [];
  socket.on('message', (message) => got.push(String(message)));
  const port = await freePort();
  await using _ = await startWorld(
    { web: serviceOf(port, [member], json) },
    {
      haproxy: {
        stats_address: false,
        on_exit: 'stop',
        run_directory: scratch.path('other'),
        syslog: `127.0.0.1:${socket.address().port}`,
      },
    },
  );
  const path = `/${'b'.repeat(3_000)}`;
  await ask(port, path);
  const line = await until(() => got.find((each) => each.includes('"service":"web"')));
  const parsed = JSON.parse(line.slice(line.indexOf('{'))) as { readonly path: string };
  expect(parsed.path).toBe(path.slice(0, 2048));
  expect(got.filter((each) => each.includes('/bbb'))).toHaveLength(1);
  socket.close();
});

test('what would be done is judged before there is a file of words', async () => {
  const config = {
    haproxy: { run_directory: scratch.path('none') },
    services: {
      tcp: {
        discovery: { method: 'base' },
        default_servers: [member.entry],
        port: await freePort(),
        policy: { access_log: 'json' },
      },
    },
  };
  const file = scratch.path('other.yaml');
  await writeFile(file, stringify(config));
  const { stdout, stderr } = await execa(commandOf('synapse'), ['-c', file, 'render']);
  expect(stdout).toContain('map_str(');
  expect(stderr).toBe('');
});

test('the log is set aside over its bound while HAProxy goes on to write', async () => {
  const port = await freePort();
  const run = scratch.path('bound');
  await using _ = await startWorld(
    { web: serviceOf(port, [member], json) },
    {
      haproxy: {
        stats_address: false,
        on_exit: 'stop',
        run_directory: run,
        audit_interval: '500ms',
      },
    },
  );
  await ask(port, '/before');
  const log = `${run}/haproxy.log`;
  await appendFile(log, `${'x'.repeat(1_023)}\n`.repeat(11_000));
  let isDone = false;
  let sent = 0;
  const traffic = (async () => {
    while (!isDone) await ask(port, `/${sent++}`);
  })();
  await until(async () => (await stat(`${log}.1`)).size > 10_000_000);
  const at = sent;
  await until(() => sent > at + 20);
  isDone = true;
  await traffic;
  expect(await readFile(`${log}.1`, 'utf8')).toContain('"path":"\\/before"');
  const text = await until(async () => {
    const now = await readFile(log, 'utf8');
    return now.includes(`"path":"\\/${sent - 1}"`) && now;
  });
  expect(text.length).toBeLessThan(1_000_000);
  expect(text).not.toContain('\0');
  for (const line of text.trim().split('\n')) if (line !== '') JSON.parse(line);
});
