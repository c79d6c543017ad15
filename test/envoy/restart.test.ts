import { once } from 'node:events';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { Agent, createServer as createHttp, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { createAdmin } from '../../packages/envoy/src/admin/client.ts';
import { serverInfo } from '../../packages/envoy/src/admin/server-info.ts';
import type { ManagedEnvoy } from '../../packages/envoy/src/process/managed.ts';
import type { EnvoyOptions } from '../../packages/envoy/src/process/options.ts';
import { envoysOf } from '../support/envoy.ts';
import { serveEnvoys } from '../support/envoy-served.ts';
import { createEnvoyRun, type EnvoyRun } from '../support/managed-envoy.ts';
import { freePort } from '../support/ports.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();

/** An Envoy that serves one service of two members, from the xDS server in this process. */
async function setUp() {
  const parts: AsyncDisposable[] = [];
  const use = <T extends AsyncDisposable>(part: T) => {
    parts.unshift(part);
    return part;
  };
  const run = use(await createEnvoyRun());
  await mkdir(run.options.directory);
  const ports = await Promise.all([1, 2].map(async () => use(await startMember()).port));
  const port = await freePort();
  const members = ports.map((each) => ({ host: '127.0.0.1', port: each }));
  const serve = async () => {
    const served = use(await serveEnvoys(run.options.xds));
    served.serve({ web: { port, members } });
    return served;
  };
  return {
    run,
    port,
    serve,
    served: await serve(),
    own: (more: Partial<EnvoyOptions> = {}) => use(run.own(more)),
    [Symbol.asyncDispose]: async () => {
      for (const part of parts) await part[Symbol.asyncDispose]();
    },
  };
}

async function startMember() {
  const server = createHttp((_, response) => void sleep(20).then(() => response.end('here')));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A program whose hot restarts are of another kind than those of the one that runs. */
async function withoutHotRestarts(run: EnvoyRun): Promise<string> {
  const program = run.path('other-envoy');
  const script = `#!/bin/sh\ncase "$1" in --hot-restart-version) echo 0.0;; *) exec "${run.options.binary}" "$@";; esac\n`;
  await writeFile(program, script, { mode: 0o755 });
  return program;
}

const pidOf = (envoy: ManagedEnvoy) => envoy.status().pid ?? 0;

async function live(envoy: ManagedEnvoy): Promise<void> {
  await until(async () => {
    await envoy.ensure(signal);
    return envoy.status().state === 'LIVE';
  });
}

test('another configuration takes over by hot restarts, without a lost request', async () => {
  await using setting = await setUp();
  const { run, port } = setting;
  const first = setting.own();
  await first.ensure(signal);
  await live(first);
  const sending = new AbortController();
  const traffic = startTraffic(port, 200, sending.signal);
  await until(() => traffic.answered > 50);
  await first[Symbol.asyncDispose]();
  for (const concurrency of [2, 1]) {
    const envoy = setting.own({ concurrency });
    expect(await envoy.ensure(signal)).toBe('restarted');
    await live(envoy);
    await until(async () => (await envoysOf(run.options.directory)).length === 1);
    await envoy[Symbol.asyncDispose]();
  }
  const last = setting.own();
  expect(await last.ensure(signal)).toBe('running');
  expect(last.status().restarts).toBe(2);
  sending.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
  expect(traffic.answered).toBe(traffic.sent);
});

test('connections that are kept lose no request to a hot restart', async () => {
  await using setting = await setUp();
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
  await using setting = await setUp();
  const { run, port } = setting;
  const admin = { host: '127.0.0.1', port: await freePort() };
  const first = setting.own({ admin });
  await first.ensure(signal);
  await live(first);
  const sending = new AbortController();
  const traffic = startTraffic(port, 100, sending.signal);
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

test('where no hot restart is possible a second one takes its place, without a lost request', async () => {
  await using setting = await setUp();
  const { run, port } = setting;
  const first = setting.own();
  await first.ensure(signal);
  await live(first);
  const pid = pidOf(first);
  await first[Symbol.asyncDispose]();
  const sending = new AbortController();
  const traffic = startTraffic(port, 200, sending.signal);
  await until(() => traffic.answered > 50);
  const program = await withoutHotRestarts(run);
  const envoy = setting.own({ binary: program, concurrency: 2 });
  expect(await envoy.ensure(signal)).toBe('restarted');
  expect(envoy.status()).toMatchObject({ restarts: 0, state: 'LIVE' });
  await until(async () => !(await envoysOf(run.options.directory)).includes(pid));
  await sleep(500);
  sending.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
  expect(traffic.answered).toBe(traffic.sent);
});

test('one whose admin socket was removed is replaced by one that has it', async () => {
  await using setting = await setUp();
  const { run, port } = setting;
  const envoy = setting.own();
  await envoy.ensure(signal);
  await live(envoy);
  const pid = pidOf(envoy);
  const sending = new AbortController();
  const traffic = startTraffic(port, 100, sending.signal);
  await rename(run.path('run', 'envoy-admin.sock'), run.path('run', 'moved'));
  await until(() => envoy.ensure(signal).then((done) => done === 'restarted'));
  await live(envoy);
  expect(pidOf(envoy)).not.toBe(pid);
  await until(async () => (await envoysOf(run.options.directory)).length === 1);
  sending.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
});

test('an upgraded program takes over; one that refuses its file leaves all as it is', async () => {
  await using setting = await setUp();
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
  const traffic = startTraffic(port, 100, sending.signal);
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

test('one that was killed before it took over leaves the first one serving, until another takes its place', async () => {
  await using setting = await setUp();
  const { run, port, served } = setting;
  const first = setting.own();
  await first.ensure(signal);
  await live(first);
  const pid = pidOf(first);
  await first[Symbol.asyncDispose]();
  await served[Symbol.asyncDispose]();
  const sending = new AbortController();
  const traffic = startTraffic(port, 100, sending.signal);
  const envoy = setting.own({ concurrency: 2 });
  expect(await envoy.ensure(signal)).toBe('restarted');
  expect(envoy.status().state).toContain('INITIALIZING');
  process.kill(pidOf(envoy), 'SIGKILL');
  await sleep(1_000);
  expect(traffic.reasons.size).toBe(0);
  await setting.serve();
  await until(() => envoy.ensure(signal).then((done) => done === 'restarted'));
  await live(envoy);
  expect(pidOf(envoy)).not.toBe(pid);
  await until(async () => (await envoysOf(run.options.directory)).length === 1);
  sending.abort();
  await traffic.done;
  // The first one has lost its admin interface to the second: it is ended, and what it was answering is cut.
  expect(traffic.lost).toBeLessThan(10);
});

test('one that hangs is left as it is, and told', async () => {
  await using setting = await setUp();
  const envoy = setting.own();
  await envoy.ensure(signal);
  await live(envoy);
  const pid = pidOf(envoy);
  process.kill(pid, 'SIGSTOP');
  await expect(envoy.ensure(signal)).rejects.toThrow(
    `it runs with pid ${pid}, but does not answer at its admin interface`,
  );
  process.kill(pid, 'SIGCONT');
  await until(() => envoy.ensure(signal).then((done) => done === 'running'));
  expect(pidOf(envoy)).toBe(pid);
});

test('one that ends with its owner finishes its requests first', async () => {
  await using setting = await setUp();
  const { run, port } = setting;
  const envoy = setting.own({ onExit: 'stop' });
  await envoy.ensure(signal);
  await live(envoy);
  const answers = Array.from({ length: 20 }, () =>
    fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text()),
  );
  await sleep(10);
  await envoy[Symbol.asyncDispose]();
  expect(await Promise.all(answers)).toEqual(answers.map(() => 'here'));
  expect(await envoysOf(run.options.directory)).toEqual([]);
});
