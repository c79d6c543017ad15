import { readFile, rename, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';

import { expect, test } from 'vitest';

import { createAdmin } from '../../packages/envoy/src/admin/client.ts';
import { serverInfo } from '../../packages/envoy/src/admin/server-info.ts';
import { envoysOf } from '../support/envoy.ts';
import { live, patient, pidOf, serveWeb, withoutHotRestarts } from '../support/envoy-web.ts';
import { freePort } from '../support/ports.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();

test('another configuration takes over by hot restarts, without a lost request', async () => {
  await using setting = await serveWeb();
  const { run, port } = setting;
  const first = setting.own();
  await first.ensure(signal);
  await live(first);
  const sending = new AbortController();
  const traffic = startTraffic(port, 200, sending.signal, patient);
  await until(() => traffic.answered > 50);
  await first[Symbol.asyncDispose]();
  // Not to fewer threads: each has a queue of connections of its own, and those of one that is missing are reset.
  const last = { concurrency: 2, logLevel: 'error' };
  for (const more of [{ concurrency: 2 }, last]) {
    const envoy = setting.own(more);
    expect(await envoy.ensure(signal)).toBe('restarted');
    await live(envoy);
    await until(async () => (await envoysOf(run.options.directory)).length === 1);
    await envoy[Symbol.asyncDispose]();
  }
  const envoy = setting.own(last);
  expect(await envoy.ensure(signal)).toBe('running');
  expect(envoy.status().restarts).toBe(2);
  sending.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
  expect(traffic.answered).toBe(traffic.sent);
});

test('connections that are kept lose no request to a hot restart', async () => {
  await using setting = await serveWeb();
  const { run, port } = setting;
  const first = setting.own();
  await first.ensure(signal);
  await live(first);
  await first[Symbol.asyncDispose]();
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
  let isOver = false;
  let answered = 0;
  const failures: string[] = [];
  const ask = () =>
    new Promise<void>((resolve) => {
      const fail = ({ message }: Error) => resolve(void failures.push(message));
      get({ host: '127.0.0.1', port, agent }, (response) => {
        if (response.statusCode === 200) answered += 1;
        else failures.push(String(response.statusCode));
        response.resume().once('end', resolve).once('error', fail);
      }).once('error', fail);
    });
  const senders = Array.from({ length: 10 }, async () => {
    while (!isOver) await ask();
  });
  const envoy = setting.own({ concurrency: 2 });
  expect(await envoy.ensure(signal)).toBe('restarted');
  await live(envoy);
  await until(async () => (await envoysOf(run.options.directory)).length === 1);
  isOver = true;
  await Promise.all(senders);
  agent.destroy();
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThan(100);
});

test('an admin interface at an address is handed over, too', async () => {
  await using setting = await serveWeb();
  const { run, port } = setting;
  const admin = { host: '127.0.0.1', port: await freePort() };
  const first = setting.own({ admin });
  await first.ensure(signal);
  await live(first);
  const sending = new AbortController();
  const traffic = startTraffic(port, 100, sending.signal, patient);
  await first[Symbol.asyncDispose]();
  const second = setting.own({ admin, concurrency: 2 });
  expect(await second.ensure(signal)).toBe('restarted');
  await live(second);
  await until(async () => (await envoysOf(run.options.directory)).length === 1);
  await second[Symbol.asyncDispose]();
  sending.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
  // Without hot restarts, one has to end before the next one can have the address.
  const other = setting.own({ admin, binary: await withoutHotRestarts(run), concurrency: 1 });
  expect(await other.ensure(signal)).toBe('restarted');
  await live(other);
  expect(await fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text())).toBe('here');
  expect(await envoysOf(run.options.directory)).toEqual([pidOf(other)]);
});

test('an upgraded program takes over; one that refuses its file leaves all as it is', async () => {
  await using setting = await serveWeb();
  const { run, port } = setting;
  const program = run.path('envoy');
  const put = async (content: string | Buffer) => {
    await writeFile(`${program}.next`, content, { mode: 0o755 });
    await rename(`${program}.next`, program);
  };
  const bytes = await readFile(run.options.binary);
  await put(bytes);
  const envoy = setting.own({ binary: program });
  await envoy.ensure(signal);
  await live(envoy);
  const pid = pidOf(envoy);
  await put(
    '#!/bin/sh\ncase "$1" in --version) echo "envoy  version: x/1.99.0/Clean";; --hot-restart-version) echo 11.104;; *) echo "no such field" >&2; exit 1;; esac\n',
  );
  await until(() =>
    envoy.ensure(signal).then(
      () => false,
      ({ message }: Error) => message === 'cannot restart Envoy: no such field',
    ),
  );
  expect(pidOf(envoy)).toBe(pid);
  const sending = new AbortController();
  const traffic = startTraffic(port, 100, sending.signal, patient);
  // The same program by the name of another build.
  const { version } = await serverInfo(createAdmin(run.options.admin), signal);
  const build = version.slice(0, version.indexOf('/'));
  for (let at = bytes.indexOf(build); at !== -1; at = bytes.indexOf(build, at))
    bytes.write('0'.repeat(build.length), at);
  await put(bytes);
  await until(() => envoy.ensure(signal).then((done) => done === 'restarted'));
  await live(envoy);
  expect(envoy.status()).toMatchObject({ restarts: 1, trouble: null });
  await until(async () => (await envoysOf(run.options.directory)).length === 1);
  sending.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
});
