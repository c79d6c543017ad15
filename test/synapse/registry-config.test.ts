import { connect } from '@smartstack/zookeeper';
import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { answerOf } from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { stopHaproxy } from '../support/stage.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

test('what a service’s znode says is used alike by zookeeper, discovery_multi and multi, as soon as it is written', async () => {
  await using server = await startZooKeeper();
  await using scratch = await createScratch();
  await using announced = await startCopy('announced');
  await using other = await startCopy('other');
  const session = connect({ hosts: [server.hosts] });
  await session.makePath('/services/none');
  await session.makePath('/services/web');
  const record = Buffer.from(`{"host":"127.0.0.1","port":${announced.port},"name":"vm-1"}`);
  await session.create('/services/web/vm-1_', record, 'persistent_sequential');
  const [plain, union, sequential, status] = await Promise.all(Array.from({ length: 4 }, freePort));
  const discovery = { method: 'zookeeper', path: '/services/web' };
  const none = { method: 'zookeeper', path: '/services/none' };
  const web = (port: number | undefined) => ({ port, listen: ['mode http'] });
  const daemon = await startDaemon(
    'synapse',
    {
      zookeeper: { hosts: [server.hosts] },
      status_address: `127.0.0.1:${status}`,
      file_output: { output_directory: scratch.path('files') },
      haproxy: { run_directory: scratch.path('run'), stats_address: false, on_exit: 'stop' },
      services: {
        plain: { discovery, haproxy: web(plain) },
        union: {
          discovery,
          discovery_multi: { watchers: { none }, resolver: { method: 'union' } },
          haproxy: web(union),
          default_servers: [{ name: 'spare', host: '127.0.0.1', port: announced.port }],
        },
        sequential: {
          discovery: {
            method: 'multi',
            watchers: { none, first: discovery },
            resolver: { method: 'sequential', sequential_order: ['first', 'none'] },
          },
          haproxy: web(sequential),
        },
      },
    },
    scratch.directory,
  );
  try {
    const answers = () =>
      Promise.all([plain, union, sequential].map((port) => answerOf(port ?? 0)));
    const get = async (path: string) =>
      (await fetch(`http://127.0.0.1:${status}${path}`)).json() as Promise<unknown>;
    await until(async () => (await answers()).every((answer) => answer === 'announced'));
    const generator = { haproxy: { server_port_override: other.port } };
    await session.set('/services/web', Buffer.from(JSON.stringify(generator)));
    await until(async () => (await answers()).every((answer) => answer === 'other'));
    for (const name of ['plain', 'union', 'sequential']) {
      expect(await get(`/v1/services/${name}`)).toMatchObject({
        members: [{ host: '127.0.0.1', port: other.port }],
      });
      expect(await get(`/v1/explain/${name}`)).toMatchObject({
        registry_config: generator.haproxy,
        members: expect.arrayContaining([
          expect.objectContaining({
            address: `127.0.0.1:${other.port}`,
            served: true,
            why: expect.stringContaining('in the proxy: '),
          }),
        ]),
      });
    }
    await session.set('/services/web', Buffer.from('{}'));
    await until(async () => (await answers()).every((answer) => answer === 'announced'));
  } finally {
    await session.close();
    await daemon[Symbol.asyncDispose]();
    await stopHaproxy(scratch.path('run'));
  }
});
