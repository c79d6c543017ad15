import { mkdir, readdir } from 'node:fs/promises';

import { execa } from 'execa';
import { expect, test } from 'vitest';

import { createScratch } from '../../support/scratch.ts';

test('kubernetes: requests follow the pods that are ready, near ones first, and outlive the API server', async () => {
  await using scratch = await createScratch();
  const temporary = scratch.path('tmp');
  await mkdir(temporary);
  const { exitCode, all: text } = await execa('bash', ['scripts/example.sh', 'kubernetes'], {
    all: true,
    reject: false,
    env: { TMPDIR: temporary },
    forceKillAfterDelay: 60_000,
  });
  expect(exitCode, text).toBe(0);
  expect(text?.split('\n').filter((line) => /^\d/.test(line))).toEqual([
    '20 requests stay in zone a: web-1 10, web-2 10',
    '20 requests while web-2 ends: web-1 20',
    '20 requests when zone a has no pod: web-3 20',
    '20 requests while the last one ends: web-3 20',
    '20 requests without an API server: web-3 20',
    '20 requests when it is back, with web-1: web-1 20',
  ]);
  expect(await readdir(temporary)).toEqual([]);
});
