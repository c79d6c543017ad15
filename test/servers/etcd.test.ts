import { join } from 'node:path';

import { expect, test } from 'vitest';

import { createClient } from '../../packages/nerve/src/operator/client.ts';
import { controlSocketIn } from '../../packages/nerve/src/operator/socket-path.ts';
import type { Status } from '../../packages/nerve/src/operator/table.ts';

import { startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { startRelay } from '../support/relay.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startServer } from './server.ts';

/** An etcd with its v2 API, which 3.4 has only when asked. */
const startEtcd = () =>
  startServer({
    command: ({ directory, port, otherPort }) => [
      'etcd',
      '--enable-v2',
      `--data-dir=${directory}/data`,
      `--listen-client-urls=http://127.0.0.1:${port}`,
      `--advertise-client-urls=http://127.0.0.1:${port}`,
      `--listen-peer-urls=http://127.0.0.1:${otherPort}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${otherPort}`,
      `--initial-cluster=default=http://127.0.0.1:${otherPort}`,
    ],
    // Debian builds it for no other machine than it is tested on.
    env: () => ({ ETCD_UNSUPPORTED_ARCH: process.arch }),
  });

interface Node {
  readonly key: string;
  readonly value: string;
  readonly ttl: number;
  readonly createdIndex: number;
}

async function nodesOf(port: number, folder: string): Promise<readonly Node[]> {
  const response = await fetch(`http://127.0.0.1:${port}/v2/keys${folder}`);
  const { node } = (await response.json()) as { node?: { nodes?: readonly Node[] } };
  return node?.nodes ?? [];
}

test('a service is announced in etcd as the original does, for as long as it is up', async () => {
  await using etcd = await startEtcd();
  await using scratch = await createScratch();
  await using copy = await startCopy('web');
  const config = {
    instance_id: 'vm-1',
    status_address: false,
    services: {
      web: {
        host: '127.0.0.1',
        port: copy.port,
        reporter_type: 'etcd',
        etcd_host: '127.0.0.1',
        etcd_port: etcd.port,
        etcd_path: '/services/web',
        check_interval: 0.4,
        weight: 3,
        checks: [{ type: 'http', uri: '/health', timeout: 5 }],
      },
    },
  };
  const announced = () => nodesOf(etcd.port, '/services/web/vm-1');
  const standing = async () => {
    const nodes = await announced();
    expect(nodes).toHaveLength(1);
    return nodes[0] as Node;
  };
  const nerve = await startDaemon('nerve', config, scratch.directory);
  const first = await until(standing);
  expect(first.key).toMatch(/^\/services\/web\/vm-1\/\d{20}$/);
  expect(JSON.parse(first.value)).toEqual({
    host: '127.0.0.1',
    port: copy.port,
    name: 'vm-1',
    weight: 3,
  });
  expect(first.ttl).toBeLessThanOrEqual(2);

  copy.healthy(false);
  await until(async () => (await announced()).length === 0);
  copy.healthy(true);
  const again = await until(standing);

  nerve.kill('SIGKILL');
  await nerve.exited;
  const next = await startDaemon('nerve', config, scratch.directory);
  // Written after the first nerve's death, and never two of it: the key was taken over, or had expired.
  await until(async () => (await standing()).createdIndex > again.createdIndex);
  expect((await standing()).value).toBe(again.value);

  await next[Symbol.asyncDispose]();
  expect(await announced()).toEqual([]);
});

test('what etcd carried out and did not answer is withdrawn once it answers again, and nothing of others', async () => {
  await using etcd = await startEtcd();
  await using relay = await startRelay(etcd.port);
  await using scratch = await createScratch();
  const config = {
    instance_id: 'vm-1',
    status_address: false,
    services: {
      web: {
        host: '127.0.0.1',
        port: 81,
        reporter_type: 'etcd',
        etcd_host: '127.0.0.1',
        etcd_port: relay.port,
        etcd_path: '/services/web',
        // A time to live of 300 s.
        check_interval: 60,
        checks: [],
      },
    },
  };
  const folder = '/services/web/vm-1';
  const announced = async () => (await nodesOf(etcd.port, folder)).map(({ value }) => value);
  const others = JSON.stringify({ host: '127.0.0.1', port: 82, name: 'vm-1' });
  await fetch(`http://127.0.0.1:${etcd.port}/v2/keys${folder}`, {
    method: 'POST',
    body: new URLSearchParams({ value: others }),
  });
  relay.delayAnswers(() => 1_000);
  await using _ = await startDaemon('nerve', config, scratch.directory);
  await until(async () => (await announced()).length === 2);
  // The answer is on its way: nobody gets it.
  relay.silence();
  relay.cut();
  relay.delayAnswers(() => 0);
  const client = createClient(controlSocketIn(join(scratch.directory, 'state')));
  const web = async () => ((await client.ask('GET', '/status')) as Status).services.web;
  await until(async () => (await web())?.trouble !== undefined);
  await client.ask('POST', '/services/web/down', {});
  expect(await announced()).toHaveLength(2);
  expect(await web()).toMatchObject({ may_stand: true, confirmed: false });
  relay.resume();
  await until(async () => (await announced()).length === 1, 15_000);
  expect(await announced()).toEqual([others]);
  await until(async () => (await web())?.confirmed);
  expect(await web()).toMatchObject({ announced: false, may_stand: false });
});
