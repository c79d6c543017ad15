import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { createFileRegistry } from '@smartstack/registry';

import { createScratch } from '../../test/support/scratch.ts';
import type { Contestant } from './contestant.ts';

/** A folder in place of a server, the floor by inotify and a rename. */
export async function file(): Promise<Contestant> {
  const scratch = await createScratch();
  const [directory, plain] = [scratch.path('registry'), scratch.path('floor')];
  await Promise.all([mkdir(directory), mkdir(plain)]);
  const registry = createFileRegistry({ directory, log: silentLog, metrics: createMetrics() });
  return {
    name: 'file',
    port: 0,
    config: () => ({
      top: { registry: { type: 'file', directory } },
      discovery: { method: 'file', path: '/ours' },
    }),
    announce: (instance, signal) => registry.announce('/ours', instance, signal),
    floor: async (record) => {
      const watcher = watch(plain);
      const told = once(watcher, 'change');
      const [draft, member] = [scratch.path('draft'), join(plain, 'member')];
      await writeFile(draft, record);
      await rename(draft, member);
      await told;
      const [name = ''] = await readdir(plain);
      await readFile(join(plain, name));
      watcher.close();
      return () => rm(member);
    },
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}
