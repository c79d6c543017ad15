import { readlink } from 'node:fs/promises';

import { execa } from 'execa';
import { describe, expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { masterOf } from '../support/haproxy.ts';
import { haproxyVersions } from '../support/haproxy-versions.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { createStage } from '../support/stage.ts';
import { workerOf } from '../support/stats-socket.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';

describe.each(haproxyVersions())('HAProxy $version', ({ binary }) => {
  test('has what the files of synapse use: Lua and the Prometheus exporter', async () => {
    const { stdout } = await execa(binary, ['-vv']);
    expect(stdout).toMatch(/^Built with Lua version/m);
    expect(stdout).toMatch(/^Available services :.* prometheus-exporter/m);
  });

  test('members come and go at runtime, synapse takes over, and a reload loses no request', async () => {
    await using registry = await createScratch();
    await using stage = await createStage(
      { registry: { type: 'file', directory: registry.path('registry') } },
      '/services/web',
      binary,
    );
    await using first = await startCopy('web-1');
    await using second = await startCopy('web-2');
    const rotates = (count: number) => until(async () => (await stage.rotation()).length === count);
    const master = () => masterOf(stage.scratch.path('run'));

    await stage.nerve([first, second]);
    let synapse = await stage.synapse();
    await rotates(2);
    const [worker, pid] = [await workerOf(stage.haproxy), await master()];
    const ended = new AbortController();
    const traffic = startTraffic(stage.port, 100, ended.signal);
    second.healthy(false);
    await rotates(1);
    second.healthy(true);
    await rotates(2);

    await synapse[Symbol.asyncDispose]();
    synapse = await stage.synapse();
    second.healthy(false);
    await rotates(1);
    expect(await workerOf(stage.haproxy)).toBe(worker);

    await synapse[Symbol.asyncDispose]();
    const port = await freePort();
    synapse = await stage.synapse({ other: otherService(port, first.port) });
    await until(async () => (await fetch(`http://127.0.0.1:${port}/`)).ok);
    expect(await workerOf(stage.haproxy)).not.toBe(worker);
    second.healthy(true);
    await rotates(2);
    ended.abort();
    await traffic.done;
    expect([...traffic.reasons]).toEqual([]);
    // The master started itself anew, and as the same program.
    await until(async () => (await master()) === pid);
    const { stdout } = await execa(await readlink(`/proc/${pid}/exe`), ['-v']);
    expect(stdout).toBe((await execa(binary, ['-v'])).stdout);
  });
});

const otherService = (port: number, member: number) => ({
  discovery: { method: 'base' },
  default_servers: [{ host: '127.0.0.1', port: member }],
  haproxy: { port, listen: ['mode http'] },
});
