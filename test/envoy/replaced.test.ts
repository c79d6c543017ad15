import { rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { envoysOf } from '../support/envoy.ts';
import { live, patient, pidOf, serveWeb, withoutHotRestarts } from '../support/envoy-web.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();

test('where no hot restart is possible a second one takes its place', async () => {
  await using setting = await serveWeb();
  const { run, port } = setting;
  const first = setting.own();
  await first.ensure(signal);
  await live(first);
  const pid = pidOf(first);
  await first[Symbol.asyncDispose]();
  const sending = new AbortController();
  const traffic = startTraffic(port, 200, sending.signal, patient);
  await until(() => traffic.answered > 50);
  const program = await withoutHotRestarts(run);
  const envoy = setting.own({ binary: program, concurrency: 2 });
  expect(await envoy.ensure(signal)).toBe('restarted');
  expect(envoy.status()).toMatchObject({ restarts: 0, state: 'LIVE' });
  await until(async () => !(await envoysOf(run.options.directory)).includes(pid));
  await sleep(500);
  sending.abort();
  await traffic.done;
  // The kernel resets a connection that came, and was not taken, in the moment in which the first one stops to listen.
  expect(traffic.lost, [...traffic.reasons].join(', ')).toBeLessThanOrEqual(2);
});

test('one whose admin socket was removed is replaced by one that has it', async () => {
  await using setting = await serveWeb();
  const { run, port } = setting;
  const envoy = setting.own();
  await envoy.ensure(signal);
  await live(envoy);
  const pid = pidOf(envoy);
  const sending = new AbortController();
  const traffic = startTraffic(port, 100, sending.signal, patient);
  await rename(run.path('run', 'envoy-admin.sock'), run.path('run', 'moved'));
  await until(() => envoy.ensure(signal).then((done) => done === 'restarted'));
  await live(envoy);
  expect(pidOf(envoy)).not.toBe(pid);
  await until(async () => (await envoysOf(run.options.directory)).length === 1);
  sending.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
});

test('one that was killed before it took over leaves the first one serving, until another takes its place', async () => {
  await using setting = await serveWeb();
  const { run, port, served } = setting;
  const first = setting.own();
  await first.ensure(signal);
  await live(first);
  const pid = pidOf(first);
  await first[Symbol.asyncDispose]();
  await served[Symbol.asyncDispose]();
  const sending = new AbortController();
  const traffic = startTraffic(port, 100, sending.signal, patient);
  const envoy = setting.own({ concurrency: 2 });
  expect(await envoy.ensure(signal)).toBe('restarted');
  expect(envoy.status().state).toContain('INITIALIZING');
  // Longer than an Envoy that was replaced is left.
  await sleep(run.options.drainTime + 4_000);
  process.kill(pidOf(envoy), 'SIGKILL');
  await sleep(1_000);
  expect([...traffic.reasons]).toEqual([]);
  await setting.serve();
  await until(() => envoy.ensure(signal).then((done) => done === 'restarted'));
  await live(envoy);
  expect(pidOf(envoy)).not.toBe(pid);
  await until(async () => (await envoysOf(run.options.directory)).length === 1);
  sending.abort();
  await traffic.done;
  // The first one has lost its admin interface to the second: it is ended, and what it was answering is cut.
  expect(traffic.lost, [...traffic.reasons].join(', ')).toBeLessThan(10);
});

test('one that serves by now is shown so, without being asked to run', async () => {
  await using setting = await serveWeb();
  const envoy = setting.own();
  await envoy.ensure(signal);
  const following = new AbortController();
  const told = envoy.ends(following.signal).next();
  await until(() => envoy.status().state === 'LIVE');
  following.abort();
  expect(await told).toMatchObject({ done: true });
});

test('one that hangs is left as it is, and told', async () => {
  await using setting = await serveWeb();
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
  await using setting = await serveWeb();
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
