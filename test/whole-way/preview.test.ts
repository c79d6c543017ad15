import { readFile, writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { commandOf } from '../support/daemon.ts';
import { createScratch } from '../support/scratch.ts';
import { createStage } from '../support/stage.ts';
import { until } from '../support/until.ts';

test('synapse render and diff say what would change, and touch nothing', async () => {
  await using registry = await createScratch();
  await using stage = await createStage({
    registry: { type: 'file', directory: registry.directory },
  });
  await using copy = await startCopy('web-1');
  const file = stage.scratch.path('synapse.yaml');
  const ask = (command: string) =>
    execa(commandOf('synapse'), [command, '-c', file], { reject: false, timeout: 20_000 });
  await stage.nerve([copy]);
  const synapse = await stage.synapse();
  await until(async () => (await stage.rotation()).length === 1);
  const path = stage.scratch.path('run', 'haproxy.cfg');
  const shown = await until(async () => {
    const rendered = await ask('render');
    return rendered.stdout.includes(`127.0.0.1:${copy.port}`) && rendered;
  });
  expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
  expect(shown.stdout).toContain(`bind localhost:${stage.port}`);
  await until(async () => (await ask('diff')).exitCode === 0);

  synapse.kill('SIGSTOP');
  const before = await readFile(path, 'utf8');
  await writeFile(
    registry.path('services', 'web', 'other.json'),
    '{"host":"127.0.0.1","port":19999,"name":"other"}',
  );
  const changed = await ask('diff');
  expect(changed.stdout).toMatch(/^\+\tserver other_127\.0\.0\.1:19999 /m);
  expect(changed.stdout).toMatch(/^command: add server web\/other_127\.0\.0\.1:19999 /m);
  expect(changed.stdout).not.toContain('reload:');
  expect(changed.exitCode).toBe(1);
  expect(await readFile(path, 'utf8')).toBe(before);
  expect(await stage.rotation()).toEqual([copy.port]);

  const yaml = await readFile(file, 'utf8');
  await writeFile(file, yaml.replace('mode http', 'mode tcp'));
  expect((await ask('diff')).stdout).toContain('reload: sections changed');
  synapse.kill('SIGCONT');
});

test('synapse diff exits with 2 when it cannot say', async () => {
  await using scratch = await createScratch();
  const file = scratch.path('synapse.yaml');
  await writeFile(file, 'services: {}\nhaproxy: {binary: /nowhere/haproxy}\n');
  const { exitCode, stderr } = await execa(commandOf('synapse'), ['diff', '-c', file], {
    reject: false,
  });
  expect(stderr).toContain('cannot say what would change: ');
  expect(stderr).toContain('/nowhere/haproxy');
  expect(exitCode).toBe(2);
});
