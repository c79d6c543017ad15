import { readdir, readFile, writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';

import { startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { envoyBinary } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';

/** Requests a second, each on a new connection. */
const rate = 200;
/** There and back. */
const rounds = 3;

test('a service that moves from HAProxy to Envoy and back by its word `proxy` loses no request', async () => {
  await keepQueues();
  await using scratch = await createScratch();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const [port, status, staying, remaining] = await Promise.all([1, 2, 3, 4].map(() => freePort()));
  const ended = new AbortController();
  const members = [one, two].map((copy) => ({
    name: copy.name,
    host: '127.0.0.1',
    port: copy.port,
  }));
  const service = (proxy: string, at = port) => ({
    proxy,
    discovery: { method: 'base' },
    default_servers: members,
    port: at,
    protocol: 'http',
  });
  const config = (proxy: string) => ({
    status_address: `127.0.0.1:${status}`,
    haproxy: {
      stats_address: false,
      run_directory: scratch.path('run'),
      on_exit: 'stop',
      restart_interval: '100ms',
    },
    envoy: { binary: envoyBinary(), run_directory: scratch.path('envoy'), on_exit: 'stop' },
    services: {
      web: service(proxy),
      // Neither proxy is ever without a service.
      stays: service('haproxy', staying),
      remains: service('envoy', remaining),
    },
  });
  await using synapse = await startDaemon('synapse', config('haproxy'), scratch.directory);
  const ask = async (path: string) => fetch(`http://127.0.0.1:${status}${path}`);
  const servedBy = async () => {
    const { proxies } = (await (await ask('/status')).json()) as Status;
    return Object.keys(proxies).filter((name) => proxies[name]?.services?.web !== undefined);
  };
  await until(async () => (await ask('/ready')).status === 200);
  expect(await servedBy()).toEqual(['haproxy']);

  const traffic = startTraffic(port ?? 0, rate, ended.signal);
  for (let round = 0; round < rounds; round += 1)
    for (const proxy of ['envoy', 'haproxy']) {
      await writeFile(scratch.path('synapse.yaml'), stringify(config(proxy)));
      synapse.kill('SIGHUP');
      await until(async () => (await servedBy()).join() === proxy);
      const { answered } = traffic;
      await until(() => traffic.answered > answered + rate / 4);
    }
  ended.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
  expect(traffic.lost).toBe(0);
  const moved = synapse.log.filter(({ msg }) => msg.startsWith('service moved'));
  expect(moved.map(({ from }) => from)).toEqual(
    Array.from({ length: rounds }, () => ['haproxy', 'envoy']).flat(),
  );
});

test('npm run example -- to-envoy moves one service, then all, and loses no request', async () => {
  await keepQueues();
  await using scratch = await createScratch();
  const { exitCode, all = '' } = await execa('bash', ['scripts/example.sh', 'to-envoy'], {
    all: true,
    reject: false,
    env: { ENVOY: envoyBinary(), TMPDIR: scratch.directory },
    forceKillAfterDelay: 30_000,
  });
  expect(exitCode, all).toBe(0);
  const [first, moved, back, last] = all.split('$ synapse status').slice(1);
  expect(moved).toMatch(/web +envoy +2 +2\nsearch +haproxy +2 +2\n/);
  for (const alone of [first, back, last]) expect(alone).toMatch(/web +2 +2\nsearch +2 +2\n/);
  expect(all).toMatch(/^web: \d+ requests, 0 lost\nsearch: \d+ requests, 0 lost$/m);
  expect(await readdir(scratch.directory)).toEqual([]);
});

interface Status {
  readonly proxies: Readonly<
    Record<string, { readonly services?: Readonly<Record<string, unknown>> }>
  >;
}

/**
 * Lets the kernel hand what waits at a socket that is closed to another one of the same address, which it does not by
 * itself: docs/envoy.md says to set it before a move.
 */
async function keepQueues(): Promise<void> {
  const file = '/proc/sys/net/ipv4/tcp_migrate_req';
  const before = await readFile(file, 'utf8');
  await writeFile(file, '1');
  onTestFinished(() => writeFile(file, before));
}
