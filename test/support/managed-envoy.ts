import { rm } from 'node:fs/promises';

import { silentLog } from '@smartstack/daemon';

import { createManagedEnvoy, type ManagedEnvoy } from '../../packages/envoy/src/process/managed.ts';
import type { EnvoyOptions } from '../../packages/envoy/src/process/options.ts';
import { baseIdOf } from '../../packages/envoy/src/process/start.ts';
import { envoyBinary, killEnvoys } from './envoy.ts';
import { createScratch, type Scratch } from './scratch.ts';

/** A folder in which Envoys are run as synapse would, all of which are ended with it. */
export interface EnvoyRun extends Scratch {
  readonly options: EnvoyOptions;
  /** An owner of the folder's Envoy, as a synapse that has just started. */
  own(more?: Partial<EnvoyOptions>): ManagedEnvoy;
}

export async function createEnvoyRun(): Promise<EnvoyRun> {
  const scratch = await createScratch();
  const options = envoyOptions(scratch.path('run'));
  return {
    ...scratch,
    options,
    own: (more = {}) => createManagedEnvoy({ ...options, ...more }, silentLog),
    [Symbol.asyncDispose]: async () => {
      await removeEnvoys(options.directory);
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** Ends what runs in a folder, and removes what it shared with the process after it. */
export async function removeEnvoys(directory: string): Promise<void> {
  await killEnvoys(directory);
  for (const attempt of [0, 1])
    await rm(`/dev/shm/envoy_shared_memory_${baseIdOf(directory, attempt)}0`, { force: true });
}

/** How an Envoy is run in a folder. */
export function envoyOptions(directory: string): EnvoyOptions {
  return {
    binary: envoyBinary(),
    directory,
    admin: { path: `${directory}/envoy-admin.sock` },
    xds: `${directory}/xds.sock`,
    node: { id: 'test', cluster: 'test' },
    concurrency: 1,
    logLevel: 'warning',
    drainTime: 2_000,
    onExit: 'keep',
    supervised: false,
    startTimeout: 20_000,
  };
}
