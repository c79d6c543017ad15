import { mkdir, readdir } from 'node:fs/promises';

import { execa } from 'execa';
import { expect, test } from 'vitest';

import { createScratch } from '../../support/scratch.ts';

test('examples/consul-to-zookeeper: each share is what was asked for, and no request is lost', async () => {
  await using scratch = await createScratch();
  const temporary = scratch.path('tmp');
  await mkdir(temporary);
  const { exitCode, all = '' } = await execa(
    'bash',
    ['scripts/example.sh', 'consul-to-zookeeper'],
    {
      all: true,
      reject: false,
      env: { TMPDIR: temporary },
      forceKillAfterDelay: 30_000,
    },
  );
  expect(exitCode, all).toBe(0);
  expect(await readdir(temporary)).toEqual([]);
  const answeredBy = [...all.matchAll(/^(.*): ((?:(?:old|new)-\d \d+(?:, )?)+)$/gm)].map(
    ([, step, counts = '']) => [step, counts.replaceAll(/ \d+/g, '')],
  );
  const [old, fresh] = ['old-1, old-2', 'new-1, new-2, new-3'];
  expect(answeredBy, all).toEqual([
    ['Consul alone', old],
    ['three copies are in ZooKeeper, by nerve', old],
    ['both are followed, share: 0%', old],
    [expect.stringContaining('10 % asked'), `${fresh}, ${old}`],
    [expect.stringContaining('50 % asked'), `${fresh}, ${old}`],
    ['100 % asked, 100 % got', fresh],
    ['ZooKeeper alone, and Consul has ended', fresh],
  ]);
  for (const [, asked, got] of all.matchAll(/^(\d+) % asked, (\d+) % got/gm))
    expect(Math.abs(Number(asked) - Number(got)), all).toBeLessThanOrEqual(2);
  expect(all).toMatch(/^127\.0\.0\.1:\d+ +vm-1 +consul +zookeeper$/m);
  expect(all).toMatch(/^127\.0\.0\.1:\d+ +new-3 +zookeeper +consul$/m);
  expect(all).toMatch(/^\d+ requests, 0 lost$/m);
  expect(all).toContain('HAProxy was not reloaded');
});
