import type { Mechanism } from '@smartstack/daemon';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';

const schema = z.strictObject({
  method: z.literal('file'),
  /** The registry's folder; the daemon's own when absent. */
  directory: z.string().min(1).optional(),
  /** The service's path inside the registry; its name when absent. */
  path: z.string().min(1).optional(),
});

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
