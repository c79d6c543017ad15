import { readFile, writeFile } from 'node:fs/promises';

import { expect, test } from 'vitest';
import { stringify } from 'yaml';

import { startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { envoyBinary, killEnvoys } from '../support/envoy.ts';
import { killHaproxy } from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { startTraffic, type Traffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';

/** Requests a second, each on a new connection. */
const rate = 200;
/** There and back. */
const rounds = 3;

/** A service under traffic, and what a synapse is configured with that serves it by one proxy. */
async function openScene() {
  const scratch = await createScratch();
  const copies = await Promise.all(['one', 'two'].map(startCopy));
  const [port, status, staying, remaining] = await Promise.all([1, 2, 3, 4].map(() => freePort()));
  const members = copies.map((copy) => ({ name: copy.name, host: '127.0.0.1', port: copy.port }));
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
      restart_interval: '100ms',
    },
    envoy: { binary: envoyBinary(), run_directory: scratch.path('envoy') },
    services: {
      web: service(proxy),
      // Neither proxy is ever without a service.
      stays: service('haproxy', staying),
      remains: service('envoy', remaining),
    },
  });
  const ask = async (path: string) => fetch(`http://127.0.0.1:${status}${path}`);
  const servedBy = async () => {
    const { proxies } = (await (await ask('/status')).json()) as Status;
    return Object.keys(proxies)
      .filter((name) => proxies[name]?.services?.web !== undefined)
      .join();
  };
  const ended = new AbortController();
  let traffic: Traffic | undefined;
  return {
    config,
    write: (proxy: string) => writeFile(scratch.path('synapse.yaml'), stringify(config(proxy))),
    start: (proxy: string) => startDaemon('synapse', config(proxy), scratch.directory),
    /** Whether HAProxy's file has it. */
    isInFile: async () =>
      (await readFile(scratch.path('run', 'haproxy.cfg'), 'utf8')).includes(`:${port}\n`),
    isReady: () => until(async () => (await ask('/ready')).status === 200),
    /** Resolves once a proxy alone serves it, and a while after. */
    served: async (proxy: string) => {
      await until(async () => (await servedBy()) === proxy);
      traffic ??= startTraffic(port ?? 0, rate, ended.signal);
      const { answered } = traffic;
      await until(() => (traffic?.answered ?? 0) > answered + rate / 4);
    },
    lost: async () => {
      ended.abort();
      await traffic?.done;
      return { lost: traffic?.lost, reasons: Object.fromEntries(traffic?.reasons ?? []) };
    },
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await killHaproxy(scratch.path('run'));
      await killEnvoys(scratch.path('envoy'));
      for (const copy of copies) await copy[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

test('a service that moves from HAProxy to Envoy and back by its word `proxy` loses no request', async () => {
  await using scene = await openScene();
  await using synapse = await scene.start('haproxy');
  await scene.isReady();
  await scene.served('haproxy');
  for (let round = 0; round < rounds; round += 1)
    for (const proxy of ['envoy', 'haproxy']) {
      await scene.write(proxy);
      synapse.kill('SIGHUP');
      await scene.served(proxy);
    }
  expect(await scene.lost()).toEqual({ lost: 0, reasons: {} });
  const moved = synapse.log.filter(({ msg }) => msg.startsWith('service moved'));
  expect(moved.map(({ from }) => from)).toEqual(
    Array.from({ length: rounds }, () => ['haproxy', 'envoy']).flat(),
  );
});

test('nor does one that moves by a restart of synapse with another file', async () => {
  await using scene = await openScene();
  let synapse = await scene.start('haproxy');
  try {
    await scene.isReady();
    await scene.served('haproxy');
    for (const [from, proxy] of [
      ['haproxy', 'envoy'],
      ['envoy', 'haproxy'],
    ] as const) {
      await synapse[Symbol.asyncDispose]();
      synapse = await scene.start(proxy);
      await scene.isReady();
      await until(() => synapse.log.some(({ msg }) => msg.startsWith('service moved')));
      // The one that had it has let it go, too: where a restart comes before that, both have it.
      await until(async () => (await scene.isInFile()) === (proxy === 'haproxy'));
      await scene.served(proxy);
      const moved = synapse.log.filter(({ msg }) => msg.startsWith('service moved'));
      expect(moved.map((record) => record.from)).toEqual([from]);
    }
  } finally {
    await synapse[Symbol.asyncDispose]();
  }
  expect(await scene.lost()).toEqual({ lost: 0, reasons: {} });
});

interface Status {
  readonly proxies: Readonly<
    Record<string, { readonly services?: Readonly<Record<string, unknown>> }>
  >;
}
