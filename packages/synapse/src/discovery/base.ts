import { once } from 'node:events';

import type { Mechanism } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';

const schema = z
  .strictObject({ method: z.literal('base') })
  .meta({ description: 'only `default_servers`' });

/** Follows nothing: the service has its `default_servers` alone. */
export const base: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'base',
  schema,
  create: () =>
    async function* (signal): AsyncGenerator<readonly Instance[], void> {
      yield [];
      if (!signal.aborted) await once(signal, 'abort');
    },
};
