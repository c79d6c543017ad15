import { zooKeeperHosts } from '@smartstack/registry';
import { z } from 'zod';

import type { Reporter } from './reporter.ts';

const keys = {
  zk_hosts: zooKeeperHosts.optional(),
  zk_path: z
    .string()
    .regex(/^(\/[^/]+)+$/, { error: 'expected an absolute path such as /services/web' })
    .optional(),
};

/** Announces as an ephemeral sequential node below `zk_path`. */
export const zookeeper: Reporter<typeof keys> = {
  type: 'zookeeper',
  keys,
  missing: ({ zk_hosts: hosts, zk_path: path }, shared) => ({
    ...(hosts === undefined &&
      shared.zookeeper === undefined && {
        zk_hosts: 'missing; give it here or as zookeeper.hosts for all services',
      }),
    ...(path === undefined && { zk_path: 'missing; expected a path such as /services/web' }),
  }),
  place: (name, { zk_hosts: hosts = [], zk_path: path = name }, shared) => ({
    address: {
      type: 'zookeeper',
      hosts: hosts.length > 0 ? hosts : (shared.zookeeper?.hosts ?? []),
    },
    path,
  }),
};
