import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLog } from '@smartstack/daemon';
import { expect, test, vi } from 'vitest';

import type { LoadedConfig } from './config.ts';
import { createReloader } from './reload.ts';

const base = (port: number) => `discovery: {method: base}\nhaproxy: {port: ${port}}\n`;

/** A configuration of two service files, and all that is made of it. */
async function createScene() {
  const directory = await mkdtemp(join(tmpdir(), 'reload-'));
  const main = (text: string) => writeFile(join(directory, 'synapse.yaml'), text);
  const service = (name: string, text: string) =>
    writeFile(join(directory, 'conf.d', `${name}.yaml`), text);
  await mkdir(join(directory, 'conf.d'));
  await main('services: {}\nservice_conf_dir: conf.d\n');
  await service('web', base(1001));
  await service('api', base(1002));
  const reloader = createReloader(join(directory, 'synapse.yaml'), { log: () => silentLog });
  const ended = new AbortController();
  const seen: LoadedConfig[] = [await reloader.load()];
  const done = (async () => {
    for await (const loaded of reloader.changes(ended.signal)) seen.push(loaded);
  })();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const ports = () =>
    Object.fromEntries(
      Object.entries(seen.at(-1)?.config.services ?? {}).map(([name, { haproxy }]) => [
        name,
        haproxy?.port,
      ]),
    );
  return {
    ...{ directory, main, service, reloader, seen, ports },
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await done;
      await rm(directory, { recursive: true });
    },
  };
}

test.concurrent('a service file that is added, changed or removed is seen by itself', async () => {
  await using scene = await createScene();
  const { directory, service, ports } = scene;
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

test.concurrent.each([
  ['no YAML', 'discovery: ['],
  ['an unknown key', 'discovery: {method: base}\nhaproxi: {port: 1}'],
  ['a port that another has', base(1002)],
])('a file with %s keeps its last good content, and says so; others are taken', async (_, bad) => {
  await using scene = await createScene();
  const { service, reloader, ports } = scene;
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

test.concurrent('a new file that is bad is left out', async () => {
  await using scene = await createScene();
  const { service, reloader, ports } = scene;
  await service('new', 'discovery: {method: nowhere}');
  await vi.waitFor(() => expect(reloader.problems()).toHaveLength(1), { timeout: 5000 });
  expect(ports()).toEqual({ web: 1001, api: 1002 });
});

test.concurrent('a folder that was taken away and put back is watched again, once asked', async () => {
  await using scene = await createScene();
  const { directory, service, reloader, ports } = scene;
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

test.concurrent('the main file is read again when asked, and a bad one changes nothing', async () => {
  await using scene = await createScene();
  const { main, reloader, seen, ports } = scene;
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
