import { z } from 'zod';

import type { Reporter } from './reporter.ts';

const keys = {
  /** The registry's folder; `registry.directory` when absent. */
  directory: z.string().min(1).optional(),
  /** The service's path inside the registry; its name when absent. */
  path: z.string().min(1).optional(),
};

/** Announces as a file in a folder, with no server. */
export const file: Reporter<typeof keys> = {
  type: 'file',
  keys,
  missing: ({ directory }, shared) =>
    directory === undefined && shared.registry === undefined
      ? { directory: 'missing; give it here or as registry.directory for all services' }
      : {},
  place: (name, { directory, path = name }, shared) => ({
    address: { type: 'file', directory: directory ?? shared.registry?.directory ?? '' },
    path,
  }),
};
