import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLog } from '@smartstack/daemon';
import type { Snapshot } from '@smartstack/proxy';
import { expect, onTestFinished, test } from 'vitest';

import { readSnapshotFile } from './snapshot-file.ts';
import { createSnapshotWriter } from './snapshot-writer.ts';

const { signal } = new AbortController();
const web = (...ports: readonly number[]): Snapshot =>
  new Map([
    [
      'web',
      {
        name: 'web',
        instances: ports.map((port) => ({ host: 'a', port })),
        defaults: [],
        origin: 'synapse.yaml',
      },
    ],
  ]);

async function createFile() {
  const directory = await mkdtemp(join(tmpdir(), 'snapshot-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'snapshot.json');
  const ports = async () =>
    (await readSnapshotFile(path, silentLog)).get('web')?.instances.map(({ port }) => port);
  return { path, ports };
}

test('what changes soon after a write is written at the end, if not before', async () => {
  const { path, ports } = await createFile();
  const writer = createSnapshotWriter(path, new Map());
  expect(await writer.apply(new Map(), signal)).toBe('updated');
  expect(await writer.apply(web(1), signal)).toBe('unchanged');
  expect(await ports()).toBeUndefined();
  await writer[Symbol.asyncDispose]();
  expect(await ports()).toEqual([1]);
});

test('a second after a write it asks to be applied to again, for what changed meanwhile', async () => {
  const { path, ports } = await createFile();
  const writer = createSnapshotWriter(path, new Map());
  await writer.apply(web(1), signal);
  await writer.apply(web(1, 2), signal);
  expect(await ports()).toEqual([1]);
  for await (const _ of writer.wakes(signal)) break;
  expect(await writer.apply(web(1, 2), signal)).toBe('updated');
  expect(await ports()).toEqual([1, 2]);
});
