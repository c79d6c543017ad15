import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLog } from '@smartstack/daemon';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { readSnapshotFile, type SavedServices, writeSnapshotFile } from './snapshot-file.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'memory-'));
  path = join(directory, 'snapshot.json');
});
afterEach(() => rm(directory, { recursive: true }));

const memory: SavedServices = new Map([
  [
    'web',
    {
      identity: 'i',
      instances: [{ host: 'a', port: 1, name: 'n', labels: { zone: 'z' }, id: 'x_1' }],
    },
  ],
  ['__proto__', { identity: '', instances: [] }],
]);

test('what is written is read', async () => {
  await writeSnapshotFile(path, new Map([...memory].slice(0, 1)));
  expect(await readSnapshotFile(path, silentLog)).toEqual(new Map([...memory].slice(0, 1)));
});

test('a label of whatever name is saved', async () => {
  const labels: Readonly<Record<string, string>> = JSON.parse(
    '{"__proto__":"a","constructor":"b"}',
  );
  const instances = [{ host: 'a', port: 1, labels }];
  await writeSnapshotFile(path, new Map([['web', { identity: 'i', instances }]]));
  const read = (await readSnapshotFile(path, silentLog)).get('web')?.instances[0]?.labels ?? {};
  expect(Object.entries(read)).toEqual(Object.entries(labels));
});

test('a UNIX socket is saved', async () => {
  const instances = [{ host: 'unix', port: '/run/web.sock' }] as const;
  const socket: SavedServices = new Map([['web', { identity: 'i', instances }]]);
  await writeSnapshotFile(path, socket);
  expect(await readSnapshotFile(path, silentLog)).toEqual(socket);
});

test('what a registry said of its traffic is saved', async () => {
  const policy = { slow_start: '1s', routes: [{ match: { headers: { a: 'b' } } }] };
  const policed: SavedServices = new Map([['web', { identity: 'i', instances: [], policy }]]);
  await writeSnapshotFile(path, policed);
  expect(await readSnapshotFile(path, silentLog)).toEqual(policed);
});

test('no file is no saved service', async () => {
  expect(await readSnapshotFile(path, silentLog)).toEqual(new Map());
  expect(await readdir(directory)).toEqual([]);
});

test('what cannot be read is left where it is', async () => {
  await mkdir(path);
  expect(await readSnapshotFile(path, silentLog)).toEqual(new Map());
  expect(await readdir(directory)).toEqual(['snapshot.json']);
});

test.each<[string, (text: string) => string]>([
  ['cut off', (text) => text.slice(0, 50)],
  ['empty', () => ''],
  ['changed', (text) => text.replace('zone', 'zona')],
  ['of another version', (text) => text.replace('"version":1', '"version":2')],
])('a file that is %s is set aside', async (_, damage) => {
  await writeSnapshotFile(path, memory);
  await writeFile(path, damage(await readFile(path, 'utf8')));
  expect(await readSnapshotFile(path, silentLog)).toEqual(new Map());
  expect(await readdir(directory)).toEqual(['snapshot.json.bad']);
});
