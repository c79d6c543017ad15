import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { createStage } from '../support/stage.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

test('ZooKeeper away: traffic goes on; back: what changed meanwhile is followed', async () => {
  await using zookeeper = await startZooKeeper();
  await using stage = await createStage({
    zookeeper: { hosts: [zookeeper.hosts], session_timeout: 20 },
  });
  await using stays = await startCopy('web-1');
  await using leaves = await startCopy('web-2');
  await stage.nerve([stays, leaves]);
  await stage.synapse();
  await until(async () => (await stage.rotation()).length === 2);
  const ended = new AbortController();
  const traffic = startTraffic(stage.port, 100, ended.signal);
  await zookeeper.stop();
  const { answered } = traffic;
  await until(() => traffic.answered > answered + 200);
  expect(await stage.rotation()).toHaveLength(2);
  leaves.healthy(false);
  await zookeeper.start();
  await until(async () => (await stage.rotation()).join() === `${stays.port}`, 30_000);
  ended.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
});
