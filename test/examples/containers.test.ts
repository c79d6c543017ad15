import { expect, test } from 'vitest';

import { startEngine } from '../support/engine.ts';
import { createMachine, shares, startService } from '../support/example.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

test('a copy on a VM and copies in containers are one service, and containers come and go by events', async () => {
  await using zooKeeper = await startZooKeeper();
  const ports = [await freePort(), await freePort(), await freePort()] as const;
  const [onVm, first, second] = ports;
  const local = await freePort();
  await using machine = await createMachine('containers', {
    'zk1.example:2181, zk2.example:2181, zk3.example:2181': zooKeeper.hosts,
    '10.0.0.1': '127.0.0.1',
  });
  const socket = machine.scratch.path('docker.sock');
  await using engine = await startEngine(socket);
  const web = (published: number, tag: string) => ({
    image: `example/web:${tag}`,
    port: 8001,
    published,
  });
  engine.run(web(first, 'v1'), { image: 'example/other:v1', port: 8001, published: 1 });
  await using _vm = await startService('vm', onVm);
  await using _first = await startService('container-1', first);
  await using _second = await startService('container-2', second);
  await machine.start('nerve.yaml', { 8001: onVm });
  await machine.start('synapse.yaml', { 3213: local, '/var/run/docker.sock': socket });
  const answering = async (...names: readonly string[]) =>
    Object.keys(await shares(local, 12))
      .sort()
      .join() === names.join();

  await until(() => answering('container-1', 'vm'));
  engine.run(web(first, 'v1'), web(second, 'v2'));
  await until(() => answering('container-1', 'container-2', 'vm'));
  engine.run(web(second, 'v2'));
  await until(() => answering('container-2', 'vm'));
  expect([...engine.asked].sort()).toEqual(['GET /containers/json', 'GET /events']);
});
