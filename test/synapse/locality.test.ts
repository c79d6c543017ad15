import { createMetrics, silentLog } from '@smartstack/daemon';
import { createFileRegistry } from '@smartstack/registry';
import { expect, test } from 'vitest';

import { type Copy, startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { oracleAt, workerOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

test('traffic stays near while HAProxy sees someone up there, spills level by level, and comes back, without a reload', async () => {
  await using scratch = await createScratch();
  const port = await freePort();
  const [near, further, furthest] = [
    await startCopy('a'),
    await startCopy('b'),
    await startCopy('c'),
  ] as const;
  await using _synapse = await startDaemon(
    'synapse',
    {
      registry: { type: 'file', directory: scratch.path('registry') },
      status_address: false,
      haproxy: { stats_address: false, run_directory: scratch.path('run'), on_exit: 'stop' },
      services: {
        web: {
          discovery: { method: 'file' },
          use_previous_backends: false,
          locality: { from: 'labels.zone', prefer: ['a', 'b'], spill: 'down' },
          haproxy: {
            port,
            server_options: 'check inter 50 fall 1 rise 1',
            listen: ['mode http', 'option httpchk GET /health'],
          },
        },
      },
    },
    scratch.directory,
  );
  const registry = createFileRegistry({
    directory: scratch.path('registry'),
    log: silentLog,
    metrics: createMetrics(),
  });
  const { signal } = new AbortController();
  const announce = (copy: Copy) =>
    registry.announce(
      'web',
      { host: '127.0.0.1', port: copy.port, name: copy.name, labels: { zone: copy.name } },
      signal,
    );
  const servedBy = (name: string) =>
    until(async () => (await (await fetch(`http://127.0.0.1:${port}/`)).text()) === name);

  try {
    await announce(furthest);
    await servedBy('c');
    const worker = await workerOf(oracleAt(scratch.path('run', 'haproxy.sock')));
    await announce(further);
    await servedBy('b');
    const nearest = await announce(near);
    await servedBy('a');

    near.healthy(false);
    await servedBy('b');
    further.healthy(false);
    await servedBy('c');
    further.healthy(true);
    await servedBy('b');
    near.healthy(true);
    await servedBy('a');

    await nearest[Symbol.asyncDispose]();
    await servedBy('b');
    expect(await workerOf(oracleAt(scratch.path('run', 'haproxy.sock')))).toBe(worker);
  } finally {
    await registry[Symbol.asyncDispose]();
    for (const copy of [near, further, furthest]) await copy[Symbol.asyncDispose]();
  }
});
