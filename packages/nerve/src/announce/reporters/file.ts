import { resolve } from 'node:path';

import { filePath } from '@smartstack/daemon';
import { type RegistryAddress, registryPath } from '@smartstack/registry';

import type { PlaceKeys, Reporter } from './reporter.ts';

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

export interface FilePlace extends PlaceKeys {
  readonly address: Extract<RegistryAddress, { type: 'file' }>;
}

/** Announces as a file in a folder, with no server. */
export const file: Reporter<typeof keys, FilePlace> = {
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
  identity: ({ address, path }) => [resolve(address.directory), path.split('/').filter(Boolean)],
  describe: ({ address, path }) => `in the folder ${address.directory}, as ${path}`,
  open: ({ address }, registries) => registries.open(address),
};
