import { copyFile } from 'node:fs/promises';

import { connect, type Session } from '@smartstack/zookeeper';
import { expect, test } from 'vitest';

import type { Daemon } from '../support/daemon.ts';
import { createMachine, firstAnswer, startService } from '../support/example.ts';
import { freePort } from '../support/ports.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

test('the five steps move a service to another ensemble, and no request is lost', async () => {
  await using before = await startZooKeeper();
  await using after = await startZooKeeper();
  await using inOld = connect({ hosts: [before.hosts] });
  await using inNew = connect({ hosts: [after.hosts] });
  const [own, local] = [await freePort(), await freePort()];
  await using machine = await createMachine('two-ensembles', {
    'zk-old1.example:2181, zk-old2.example:2181, zk-old3.example:2181': before.hosts,
    'zk-new1.example:2181, zk-new2.example:2181, zk-new3.example:2181': after.hosts,
    '10.0.0.1': '127.0.0.1',
    8001: own,
    3213: local,
  });
  await using _service = await startService('web-1', own);
  const nerve = await machine.start('nerve-1-old.yaml');
  const synapse = await machine.start('synapse-1-old.yaml');
  expect(await firstAnswer(local)).toBe('web-1');
  const ended = new AbortController();
  const traffic = startTraffic(local, 100, ended.signal);

  const change = async (daemon: Daemon, place: string, file: string) => {
    await copyFile(await machine.place(file), machine.scratch.path(place));
    const known = daemon.log.length;
    daemon.kill('SIGHUP');
    await until(() =>
      daemon.log.slice(known).some(({ msg }) => msg === 'configuration read again'),
    );
  };
  await change(synapse, 'synapse-1-old.yaml', 'synapse-2-both.yaml');
  await change(nerve, 'nerve-1-old.yaml', 'nerve-3-both.yaml');
  await until(async () => (await announced(inOld)) === 1 && (await announced(inNew)) === 1);
  await change(synapse, 'synapse-1-old.yaml', 'synapse-4-new.yaml');
  await change(nerve, 'nerve-1-old.yaml', 'nerve-5-new.yaml');
  await until(async () => (await announced(inOld)) === 0 && (await announced(inNew)) === 1);
  await before.stop();
  const answered = traffic.answered;
  await until(() => traffic.answered > answered + 50);
  ended.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
});

const announced = async (session: Session) => (await session.list('/services/web')).names.length;
