import { mkdir, readdir } from 'node:fs/promises';

import { execa } from 'execa';
import { expect, test } from 'vitest';

import { createScratch } from '../../support/scratch.ts';

test('examples/consul: who passes gets requests, who warns gets fewer, and others none', async () => {
  await using scratch = await createScratch();
  const temporary = scratch.path('tmp');
  await mkdir(temporary);
  const { exitCode, all = '' } = await execa('bash', ['scripts/example.sh', 'consul'], {
    all: true,
    reject: false,
    env: { TMPDIR: temporary },
    forceKillAfterDelay: 30_000,
  });
  expect(exitCode, all).toBe(0);
  expect(await readdir(temporary)).toEqual([]);
  const sharesOf = (what: string) => {
    const [, figures = ''] = new RegExp(`^350 requests, ${what}: (.*)$`, 'm').exec(all) ?? [];
    const counts = figures.split(', ').map((each) => each.split(' ') as [string, string]);
    return Object.fromEntries(
      counts.map(([name, count]) => [name, Math.round(Number(count) / 10)]),
    );
  };
  expect(sharesOf('three copies pass')).toEqual({ 'web-1': 12, 'web-2': 12, 'web-3': 12 });
  expect(sharesOf('web-2 warns')).toEqual({ 'web-1': 15, 'web-2': 5, 'web-3': 15 });
  expect(sharesOf('web-3 is critical')).toEqual({ 'web-1': 26, 'web-2': 9 });
  expect(sharesOf('web-3 passes again and web-1 is in maintenance')).toEqual({
    'web-2': 9,
    'web-3': 26,
  });
  expect(all).toContain('HAProxy was not reloaded');
});
