import { filePath } from '@smartstack/daemon';
import { registryPath } from '@smartstack/registry';

import type { Reporter } from './reporter.ts';

const keys = {
  directory: filePath.optional().meta({
    description: "file: the registry's folder",
    otherwise: '`registry.directory`',
    examples: ['/var/lib/smartstack/registry'],
  }),
  path: registryPath.optional().meta({
    description: 'file: where it is announced inside the registry',
    otherwise: "the service's name",
    examples: ['/services/web'],
  }),
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
