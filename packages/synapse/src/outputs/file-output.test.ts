import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Service } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFileOutput } from './file-output.ts';

let directory: string;
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'output-')), 'deep');
});
afterEach(() => rm(join(directory, '..'), { recursive: true }));

const service = (
  name: string,
  instances: readonly Instance[] | undefined,
  defaults: readonly Instance[] = [],
): Service => ({
  name,
  instances,
  defaults,
  origin: 'x',
});
const web: Instance = {
  host: 'a',
  port: 1,
  name: 'vm',
  id: 'vm_0000000007',
  labels: { zone: 'z' },
};
const apply = (driver: ReturnType<typeof createFileOutput>, ...services: Service[]) =>
  driver.apply(new Map(services.map((each) => [each.name, each])), new AbortController().signal);
const read = async (name: string) =>
  JSON.parse(await readFile(join(directory, name), 'utf8')) as unknown;

test('members are written in the originals’ form', async () => {
  const driver = createFileOutput({ output_directory: directory });
  expect(await apply(driver, service('web', [web]))).toBe('updated');
  expect(await read('web.json')).toEqual([
    {
      name: 'vm',
      host: 'a',
      port: 1,
      id: 7,
      weight: null,
      haproxy_server_options: null,
      labels: { zone: 'z' },
    },
  ]);
});

test('a file is not touched unless its content changed, also by the next process', async () => {
  await apply(createFileOutput({ output_directory: directory }), service('web', [web]));
  const before = await stat(join(directory, 'web.json'));
  const next = createFileOutput({ output_directory: directory });
  expect(await apply(next, service('web', [web]))).toBe('unchanged');
  expect((await stat(join(directory, 'web.json'))).ino).toBe(before.ino);
});

test('files of services that are gone are removed, others stand', async () => {
  const driver = createFileOutput({ output_directory: directory });
  await apply(driver, service('web', [web]), service('a/b', []));
  await writeFile(join(directory, 'readme.txt'), '');
  await apply(driver, service('web', [web]));
  expect((await readdir(directory)).sort()).toEqual(['readme.txt', 'web.json']);
});

test('a service without an answer keeps its file, and has its defaults where there is none', async () => {
  await apply(createFileOutput({ output_directory: directory }), service('web', [web]));
  const driver = createFileOutput({ output_directory: directory });
  const other = { host: 'd', port: 2 };
  await apply(driver, service('web', undefined, [other]), service('api', undefined, [other]));
  expect(await read('web.json')).toMatchObject([{ host: 'a' }]);
  expect(await read('api.json')).toMatchObject([{ host: 'd' }]);
});

test('a service whose file_output is disabled has no file, and one that is there is removed', async () => {
  const driver = createFileOutput({ output_directory: directory });
  await apply(driver, service('web', [web]), service('api', [web]));
  const off = { ...service('web', [web]), fileOutput: false };
  expect(await apply(driver, off, service('api', [web]))).toBe('updated');
  expect(await readdir(directory)).toEqual(['api.json']);
  expect(await apply(driver, service('web', [web]), service('api', [web]))).toBe('updated');
  expect(await readdir(directory)).toEqual(['api.json', 'web.json']);
});

test('a UNIX socket is written as it is configured', async () => {
  const driver = createFileOutput({ output_directory: directory });
  await apply(driver, service('web', [{ host: 'unix', port: '/run/web.sock' }]));
  expect(await read('web.json')).toMatchObject([{ host: 'unix', port: '/run/web.sock' }]);
});
