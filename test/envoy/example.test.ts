import { readdir } from 'node:fs/promises';

import { execa } from 'execa';
import { expect, test } from 'vitest';

import { envoyBinary } from '../support/envoy.ts';
import { createScratch } from '../support/scratch.ts';

test('npm run example -- to-envoy moves one service, then all, and loses no request', async () => {
  await using scratch = await createScratch();
  const { exitCode, all = '' } = await execa('bash', ['scripts/example.sh', 'to-envoy'], {
    all: true,
    reject: false,
    env: { ENVOY: envoyBinary(), TMPDIR: scratch.directory },
    forceKillAfterDelay: 30_000,
  });
  expect(exitCode, all).toBe(0);
  const [first, moved, back, last] = all.split('$ synapse status').slice(1);
  expect(moved).toMatch(/web +envoy +2 +2\nsearch +haproxy +2 +2\n/);
  for (const alone of [first, back, last]) expect(alone).toMatch(/web +2 +2\nsearch +2 +2\n/);
  expect(all).toMatch(/^web: \d+ requests, 0 lost\nsearch: \d+ requests, 0 lost$/m);
  expect(await readdir(scratch.directory)).toEqual([]);
});
