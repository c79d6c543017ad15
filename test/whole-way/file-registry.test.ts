import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { createScratch } from '../support/scratch.ts';
import { createStage } from '../support/stage.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';

test('both daemons find each other through a folder, with no server at all', async () => {
  await using registry = await createScratch();
  await using stage = await createStage({
    registry: { type: 'file', directory: registry.path('registry') },
  });
  await using first = await startCopy('web-1');
  await using second = await startCopy('web-2');
  const nerve = await stage.nerve([first, second]);
  await stage.synapse();
  await until(async () => (await stage.rotation()).length === 2);

  const ended = new AbortController();
  const traffic = startTraffic(stage.port, 100, ended.signal);
  await until(() => traffic.byCopy.size === 2);
  second.healthy(false);
  await until(async () => (await stage.rotation()).length === 1);
  second.healthy(true);
  await until(async () => (await stage.rotation()).length === 2);
  ended.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);

  nerve.kill('SIGTERM');
  expect(await nerve.exited).toBe(0);
  await until(async () => (await stage.rotation()).length === 0);
});
