import { execa } from 'execa';
import { expect, test } from 'vitest';

import { startCopy } from '../../support/copies.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createRun } from '../../support/haproxy.ts';
import { freePort } from '../../support/ports.ts';
import { until } from '../../support/until.ts';
import { fileSide, zookeeperSide } from './sides.ts';

test('compare says which members only one registry has, and explain where each member’s record stands', async () => {
  await using run = await createRun();
  await using old = await zookeeperSide();
  await using fresh = await fileSide();
  await using both = await startCopy('both');
  await using lone = await startCopy('lone');
  const ended = new AbortController();
  const instance = ({ name, port }: typeof both) => ({ host: '127.0.0.1', port, name });
  await old.registry.announce(old.path, instance(both), ended.signal);
  await old.registry.announce(old.path, instance(lone), ended.signal);
  await fresh.registry.announce(fresh.path, { ...instance(both), weight: 3 }, ended.signal);
  const status = `127.0.0.1:${await freePort()}`;
  await using _synapse = await startDaemon(
    'synapse',
    {
      ...old.top,
      ...fresh.top,
      status_address: status,
      haproxy: { ...run.config, on_exit: 'stop' },
      services: {
        web: {
          discovery: {
            method: 'multi',
            watchers: { old: old.discovery, new: fresh.discovery },
            resolver: { method: 'union' },
          },
          haproxy: { port: await freePort(), listen: ['mode tcp'] },
        },
        fresh: {
          discovery: {
            method: 'multi',
            watchers: {
              old: fresh.discovery,
              new: { method: 'zookeeper', path: '/not/there/yet' },
            },
            resolver: { method: 'union' },
          },
          haproxy: { port: await freePort(), listen: ['mode tcp'] },
        },
      },
    },
    run.directory,
  );
  const ask = (...args: readonly string[]) =>
    execa(process.execPath, ['packages/synapse/dist/cli.js', ...args, '--address', status], {
      reject: false,
    });
  await until(async () => (await fetch(`http://${status}/ready`)).status === 200);
  const differing = await ask('compare', 'web');
  expect(differing.exitCode, differing.stdout).toBe(1);
  expect(differing.stdout).toMatch(new RegExp(`127.0.0.1:${lone.port} +lone +old +new`));
  expect(differing.stdout).toMatch(new RegExp(`127.0.0.1:${both.port} +weight +old: none; new: 3`));
  // A registry in which there is no such path has none of the members.
  const none = await ask('compare', 'fresh');
  expect(none.exitCode, none.stdout).toBe(1);
  expect(none.stdout).toMatch(/\nnew +zookeeper +0\n/);
  const explained = (await ask('explain', 'web')).stdout;
  expect(explained).toMatch(
    /both +served .*in watcher old, also in new; \/services\/web\/both_\d{10} cZxid 0x[0-9a-f]+, mZxid 0x[0-9a-f]+/,
  );
  expect(explained).toMatch(/lone +served .*in watcher old; \/services\/web\/lone_\d{10} /);
  expect(explained).toContain('2 found, 2 served');
  await fresh.registry.announce(fresh.path, { ...instance(both) }, ended.signal);
  await fresh.registry.announce(fresh.path, instance(lone), ended.signal);
  await until(async () => (await ask('compare', 'web')).exitCode === 0);
  expect((await ask('compare', 'none')).exitCode).toBe(2);
  // What a registry had last proves nothing once it does not answer.
  await old.kill();
  await until(async () => (await ask('compare', 'web')).exitCode === 2);
  expect((await ask('compare', 'web')).stdout).toContain('not known: old does not answer now');
  ended.abort();
});
