import { access, writeFile } from 'node:fs/promises';

import { connect } from '@smartstack/zookeeper';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';

import { startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { answerOf } from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

test('a machine that starts while ZooKeeper is down serves what it served before, says that it is stale, and goes on when ZooKeeper comes back with nothing in it', async () => {
  await using scratch = await createScratch();
  await using copy = await startCopy('web-1');
  const [port, status] = [await freePort(), await freePort()];
  const config = (hosts: string) => ({
    zookeeper: { hosts: [hosts] },
    status_address: `127.0.0.1:${status}`,
    snapshot_file: scratch.path('snapshot.json'),
    haproxy: { stats_address: false, run_directory: scratch.path('run'), on_exit: 'stop' },
    services: {
      web: {
        discovery: { method: 'zookeeper', path: '/services/web' },
        haproxy: { port, listen: ['mode http'] },
      },
    },
  });
  const answers = async () => (await answerOf(port)) === 'web-1';
  const state = async () => {
    const answer = await fetch(`http://127.0.0.1:${status}/status`);
    return ((await answer.json()) as { services: { web: { heard: boolean; stale: boolean } } })
      .services.web;
  };
  const nerveConfig = (hosts: string) => ({
    instance_id: 'vm-1',
    services: {
      web: { host: '127.0.0.1', port: copy.port, zk_hosts: [hosts], zk_path: '/services/web' },
    },
  });

  let hosts = '';
  {
    await using zookeeper = await startZooKeeper();
    hosts = zookeeper.hosts;
    await using _nerve = await startDaemon('nerve', nerveConfig(hosts), scratch.directory);
    await using _synapse = await startDaemon('synapse', config(hosts), scratch.directory);
    await until(answers);
    expect(await state()).toMatchObject({ heard: true, stale: false });
    await until(async () => {
      await access(scratch.path('snapshot.json'));
      return true;
    });
  }

  await until(async () => !(await answers().catch(() => false)));

  await using _again = await startDaemon('synapse', config(hosts), scratch.directory);
  await until(answers);
  await until(async () => {
    expect(await state()).toMatchObject({ heard: false, stale: true });
    return true;
  });

  await using _empty = await startZooKeeper({ port: Number(hosts.split(':')[1]) });
  await using session = connect({ hosts: [hosts] });
  await session.makePath('/services/web', { deadline: 20_000 });
  await until(async () => (await state()).heard, 30_000);
  for (let asked = 0; asked < 20; asked += 1) expect(await answers()).toBe(true);
});

test('a snapshot that cannot be written is said once, and nothing waits for it', async () => {
  await using scratch = await createScratch();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const config = (copy: number) => ({
    status_address: false,
    // No account may create a file there, root included.
    snapshot_file: '/sys/snapshot.json',
    registry: { type: 'file', directory: scratch.path('registry') },
    haproxy: { stats_address: false, run_directory: scratch.path('run'), on_exit: 'stop' },
    services: {
      web: {
        discovery: { method: 'file' },
        default_servers: [{ host: '127.0.0.1', port: copy }],
        haproxy: { port, listen: ['mode http'] },
      },
    },
  });
  const answer = () => answerOf(port);
  await using synapse = await startDaemon('synapse', config(one.port), scratch.directory);
  await until(async () => (await answer()) === 'one');
  const complaints = () => synapse.log.filter(({ proxy }) => proxy === 'snapshot');
  await until(() => complaints().length > 0);
  await writeFile(scratch.path('synapse.yaml'), stringify(config(two.port)));
  synapse.kill('SIGHUP');
  await until(async () => (await answer()) === 'two');
  expect(complaints()).toEqual([
    expect.objectContaining({ reason: expect.stringContaining('/sys/snapshot.json') }),
  ]);
});
