import { execFileSync } from 'node:child_process';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { badRecordsOf } from '../instance/decoder.ts';
import type { Instance } from '../instance/instance.ts';
import { sourceOf } from '../instance/source.ts';
import type { Registry } from '../registry.ts';
import { createFileRegistry } from './file.ts';

let directory: string;
let registry: Registry;
let ended: AbortController;
const web: Instance = { host: '10.0.0.1', port: 80, name: 'vm/1' };
const folder = () => join(directory, 'services', 'web');

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'registry-'));
  ended = new AbortController();
  registry = open();
});
afterEach(async () => {
  ended.abort();
  await registry[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function open(): Registry {
  return createFileRegistry({
    directory,
    touchInterval: 30,
    staleAfter: 500,
    rescanInterval: 20,
    log: silentLog,
    metrics: createMetrics(),
  });
}

/** The newest list that a watch yielded. */
function newest(): { list: readonly Instance[] | undefined; ended: Promise<void> } {
  const state = { list: undefined as readonly Instance[] | undefined, ended: Promise.resolve() };
  state.ended = (async () => {
    for await (const list of registry.watch('/services/web', ended.signal)) state.list = list;
  })();
  return state;
}

test('an announcement is one file named after the instance, in the wire format with its owner', async () => {
  await registry.announce('/services/web', web, ended.signal);
  expect(await readdir(folder())).toEqual(['vm%2F1_10.0.0.1_80.json']);
  const text = await readFile(join(folder(), 'vm%2F1_10.0.0.1_80.json'), 'utf8');
  expect(JSON.parse(text)).toEqual({ ...web, owner: expect.any(String) });
});

test('an instance says which file it stands in', async () => {
  await registry.announce('/services/web', web, ended.signal);
  const state = newest();
  await vi.waitFor(() => expect(state.list).toHaveLength(1));
  const [found] = state.list ?? [];
  const [path, when] = (found && sourceOf(found)?.split(', ')) ?? [];
  expect(path).toBe(join(folder(), 'vm%2F1_10.0.0.1_80.json'));
  expect(when).toMatch(/^touched \d{4}-.*Z when it was read$/);
});

test('a file that is not touched any more is ignored, and seen again once touched', async () => {
  await registry.announce('/services/web', web, ended.signal);
  const old = join(folder(), 'dead_10.0.0.2_80.json');
  await writeFile(old, '{"host":"10.0.0.2","port":80}');
  const state = newest();
  await vi.waitFor(() => expect(state.list).toHaveLength(2));
  await vi.waitFor(() => expect(state.list?.map(({ host }) => host)).toEqual(['10.0.0.1']));
  await utimes(old, new Date(), new Date());
  await vi.waitFor(() => expect(state.list).toHaveLength(2));
});

test('an announcement whose file or folder was deleted is written again', async () => {
  await registry.announce('/services/web', web, ended.signal);
  await rm(folder(), { recursive: true });
  await vi.waitFor(async () => expect(await readdir(folder())).toHaveLength(1));
});

test('a restarted owner takes its own file over, and the old one does not remove it any more', async () => {
  const old = await registry.announce('/services/web', web, ended.signal);
  await using next = open();
  await next.announce('/services/web', web, ended.signal);
  await old[Symbol.asyncDispose]();
  expect(await readdir(folder())).toHaveLength(1);
});

test('a broken file is left out and the others stand', async () => {
  await registry.announce('/services/web', web, ended.signal);
  await writeFile(join(folder(), 'broken.json'), '{"host":');
  await writeFile(join(folder(), 'readme.txt'), 'no record');
  const state = newest();
  await vi.waitFor(() => expect(state.list).toHaveLength(1));
});

test('a FIFO, a device and an endless file are no records, and hold nothing up', async () => {
  await registry.announce('/services/web', web, ended.signal);
  execFileSync('mkfifo', [join(folder(), 'pipe.json')]);
  await symlink('/dev/zero', join(folder(), 'zero.json'));
  await writeFile(join(folder(), 'long.json'), '');
  await truncate(join(folder(), 'long.json'), 2 ** 40);
  const state = newest();
  await vi.waitFor(() => expect(state.list).toHaveLength(1));
  expect(badRecordsOf(state.list ?? [])).toEqual([
    { id: 'long', reason: 'longer than 65536 bytes (65537)' },
  ]);
});

test('a file edited in place is read again', async () => {
  const file = join(folder(), 'x.json');
  await registry.announce('/services/web', web, ended.signal);
  await writeFile(file, '{"host":"10.0.0.9","port":1}');
  const state = newest();
  await vi.waitFor(() => expect(state.list).toHaveLength(2));
  await writeFile(file, '{"host":"10.0.0.9","port":2}');
  await vi.waitFor(() => expect(state.list?.some(({ port }) => port === 2)).toBe(true));
});

test('a path cannot leave the registry folder', async () => {
  await expect(registry.announce('/../etc', web, ended.signal)).rejects.toThrow(
    'cannot use /../etc as a registry path: it has a . or .. in it',
  );
});

test('disposing of the registry withdraws its announcements', async () => {
  await registry.announce('/services/web', web, ended.signal);
  await registry[Symbol.asyncDispose]();
  expect(await readdir(folder())).toEqual([]);
});

test('a file that cannot be read is not taken for another one’s: its withdrawal is tried again', async () => {
  const announcement = await registry.announce('/services/web', web, ended.signal);
  const [name = ''] = await readdir(folder());
  const file = join(folder(), name);
  const content = await readFile(file);
  await rm(file);
  await mkdir(file);
  await expect(announcement[Symbol.asyncDispose]()).rejects.toThrow();
  await rm(file, { recursive: true });
  await writeFile(file, content);
  await announcement[Symbol.asyncDispose]();
  expect(await readdir(folder())).toEqual([]);
});
