import { filePath, type Mechanism } from '@smartstack/daemon';
import { registryPath } from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';

const schema = z
  .strictObject({
    method: z.literal('file'),
    directory: filePath.optional().meta({
      description: 'the registry’s folder',
      otherwise: '`registry.directory`',
      examples: ['/var/lib/smartstack/registry'],
    }),
    path: registryPath.optional().meta({
      description: 'where the service is announced inside the registry',
      otherwise: 'the service’s name',
      examples: ['/services/web'],
    }),
  })
  .meta({ description: 'the instances registered in a folder (nerve’s `reporter_type: file`)' });

/** Follows a path of a file registry. */
export const file: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'file',
  schema,
  create: ({ directory, path }, { registries, file: own, service }) => {
    const address = directory ? ({ type: 'file', directory } as const) : own;
    if (!address) throw new Error(`cannot follow ${service}: no registry directory`);
    const registry = registries.open(address);
    return (signal) => registry.watch(path ?? service, signal);
  },
};
