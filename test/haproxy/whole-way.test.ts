import { readFile, writeFile } from 'node:fs/promises';

import { connect } from '@smartstack/zookeeper';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';

import { startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { answerOf, masterOf, program } from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

const ran = (run_directory: string) => ({
  binary: program,
  run_directory,
  stats_address: false,
  on_exit: 'stop',
  restart_interval: 0.1,
});

test('SIGHUP applies another haproxy section by a verified reload; a bad one stops no member', async () => {
  await using scratch = await createScratch();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const [port, status] = [await freePort(), await freePort()];
  const config = (haproxy: object, copy: number) => ({
    status_address: `127.0.0.1:${status}`,
    haproxy: { ...ran(scratch.path('run')), ...haproxy },
    services: {
      web: {
        discovery: { method: 'base' },
        default_servers: [{ host: '127.0.0.1', port: copy }],
        haproxy: { port },
      },
    },
  });
  await using synapse = await startDaemon('synapse', config({}, one.port), scratch.directory);
  const use = async (haproxy: object, copy: number) => {
    await writeFile(scratch.path('synapse.yaml'), stringify(config(haproxy, copy)));
    synapse.kill('SIGHUP');
  };
  const file = () => readFile(scratch.path('run', 'haproxy.cfg'), 'utf8');
  await until(async () => (await answerOf(port)) === 'one');
  const master = await masterOf(scratch.path('run'));

  const defaults = ['mode tcp', 'timeout connect 7s', 'timeout client 7s', 'timeout server 7s'];
  await use({ defaults, run_directory: scratch.path('elsewhere') }, one.port);
  await until(async () => (await file()).includes('timeout connect 7s'));
  await until(() => synapse.log.some(({ msg }) => msg === 'restart to use these sections'));
  const notice = synapse.log.find(({ msg }) => msg === 'restart to use these sections');
  expect(notice).toMatchObject({ sections: ['haproxy.run_directory'] });

  await use({ defaults: ['nonsense'] }, two.port);
  await until(async () => (await answerOf(port)) === 'two');
  await until(async () => {
    const answer = await fetch(`http://127.0.0.1:${status}/status`);
    return JSON.stringify(await answer.json()).includes("unknown keyword 'nonsense'");
  });
  expect(await file()).toContain('timeout connect 7s');
  expect(await masterOf(scratch.path('run'))).toBe(master);
});

test('a znode’s generator data sets harmless keys only, unless it is trusted', async () => {
  await using server = await startZooKeeper();
  await using one = await startCopy('one');
  const session = connect({ hosts: [server.hosts] });
  try {
    const generator = { backend_order: 'desc', backend: ['balance leastconn'] };
    await session.makePath('/services/web');
    await session.set('/services/web', Buffer.from(JSON.stringify({ haproxy: generator })));
    for (const name of ['a', 'b', 'c'])
      await session.create(
        `/services/web/${name}_`,
        Buffer.from(JSON.stringify({ name, host: '127.0.0.1', port: one.port })),
        'persistent_sequential',
      );
    for (const trusted of [false, true]) {
      await using scratch = await createScratch();
      const port = await freePort();
      await using synapse = await startDaemon(
        'synapse',
        {
          status_address: false,
          haproxy: { ...ran(scratch.path('run')), trust_registry_config: trusted },
          services: {
            web: {
              discovery: { method: 'zookeeper', hosts: [server.hosts], path: '/services/web' },
              haproxy: { port, backend_order: 'asc' },
            },
          },
        },
        scratch.directory,
      );
      const file = () => readFile(scratch.path('run', 'haproxy.cfg'), 'utf8').catch(() => '');
      const order = (text: string) =>
        [...text.matchAll(/^\tserver ([abc])_/gm)].map(([, name]) => name).join('');
      await until(async () => order(await file()) === 'cba');
      expect((await file()).includes('balance leastconn')).toBe(trusted);
      expect(synapse.log.some(({ msg }) => msg === 'generator data left out')).toBe(!trusted);
      await until(async () => (await answerOf(port)) === 'one');
    }
  } finally {
    await session.close();
  }
});
