import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLog } from '@smartstack/daemon';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { LoadedConfig } from './config.ts';
import { createReloader, type Reloader } from './reload.ts';

let directory: string;
let reloader: Reloader;
let ended: AbortController;
let done: Promise<void>;
let seen: LoadedConfig[];
const main = (text: string) => writeFile(join(directory, 'synapse.yaml'), text);
const service = (name: string, text: string) =>
  writeFile(join(directory, 'conf.d', `${name}.yaml`), text);
const base = (port: number) => `discovery: {method: base}\nhaproxy: {port: ${port}}\n`;
const ports = () =>
  Object.fromEntries(
    Object.entries(seen.at(-1)?.config.services ?? {}).map(([name, { haproxy }]) => [
      name,
      haproxy?.port,
    ]),
  );

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reload-'));
  await mkdir(join(directory, 'conf.d'));
  await main('services: {}\nservice_conf_dir: conf.d\n');
  await service('web', base(1001));
  await service('api', base(1002));
  reloader = createReloader(join(directory, 'synapse.yaml'), { log: () => silentLog });
  ended = new AbortController();
  seen = [await reloader.load()];
  done = (async () => {
    for await (const loaded of reloader.changes(ended.signal)) seen.push(loaded);
  })();
  await new Promise((resolve) => setTimeout(resolve, 50));
});
afterEach(async () => {
  ended.abort();
  await done;
  await rm(directory, { recursive: true });
});

test('a service file that is added, changed or removed is seen by itself', async () => {
  await service('new', base(1003));
  await vi.waitFor(() => expect(ports()).toEqual({ web: 1001, api: 1002, new: 1003 }), {
    timeout: 5000,
  });
  await service('web', base(1011));
  await vi.waitFor(() => expect(ports()).toEqual({ web: 1011, api: 1002, new: 1003 }), {
    timeout: 5000,
  });
  await rm(join(directory, 'conf.d', 'api.yaml'));
  await vi.waitFor(() => expect(ports()).toEqual({ web: 1011, new: 1003 }), { timeout: 5000 });
});

test.each([
  ['no YAML', 'discovery: ['],
  ['an unknown key', 'discovery: {method: base}\nhaproxi: {port: 1}'],
  ['a port that another has', base(1002)],
])('a file with %s keeps its last good content, and says so; others are taken', async (_, bad) => {
  await service('web', bad);
  await service('new', base(1003));
  await vi.waitFor(() => expect(ports()).toEqual({ web: 1001, api: 1002, new: 1003 }), {
    timeout: 5000,
  });
  expect(reloader.problems().join()).toContain(join('conf.d', 'web.yaml:'));
  await service('web', base(1011));
  await vi.waitFor(() => expect(ports()).toEqual({ web: 1011, api: 1002, new: 1003 }), {
    timeout: 5000,
  });
  expect(reloader.problems()).toEqual([]);
});

test('a new file that is bad is left out', async () => {
  await service('new', 'discovery: {method: nowhere}');
  await vi.waitFor(() => expect(reloader.problems()).toHaveLength(1), { timeout: 5000 });
  expect(ports()).toEqual({ web: 1001, api: 1002 });
});

test('a folder that was taken away and put back is watched again, once asked', async () => {
  await rm(join(directory, 'conf.d'), { recursive: true });
  await vi.waitFor(() => expect(reloader.problems()).toHaveLength(1), { timeout: 5000 });
  expect(ports()).toEqual({ web: 1001, api: 1002 });
  await mkdir(join(directory, 'conf.d'));
  await service('web', base(1011));
  reloader.request();
  await vi.waitFor(() => expect(ports()).toEqual({ web: 1011 }), { timeout: 5000 });
  await service('web', base(1012));
  await vi.waitFor(() => expect(ports()).toEqual({ web: 1012 }), { timeout: 5000 });
});

test('the main file is read again when asked, and a bad one changes nothing', async () => {
  await main('services: {old: {discovery: {method: base}}}\nservice_conf_dir: conf.d\n');
  reloader.request();
  await vi.waitFor(() => expect(Object.keys(ports()).sort()).toEqual(['api', 'old', 'web']), {
    timeout: 5000,
  });
  const before = seen.length;
  await main('services: [');
  reloader.request();
  await vi.waitFor(() => expect(reloader.problems()).toHaveLength(1), { timeout: 5000 });
  expect(seen).toHaveLength(before);
});
