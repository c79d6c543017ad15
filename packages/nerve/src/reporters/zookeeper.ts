import { nodeTypes, zooKeeperHosts } from '@smartstack/registry';
import { z } from 'zod';

import { spanFrom } from '../checks/check.ts';
import type { Reporter } from './reporter.ts';

const keys = {
  zk_hosts: zooKeeperHosts.optional(),
  zk_path: z
    .string()
    .regex(/^(\/[^/]+)+$/, { error: 'expected an absolute path such as /services/web' })
    .optional(),
  /** How the record is held; one that is persistent outlives a nerve that dies. */
  node_type: z.enum(nodeTypes).optional(),
  /** How often a persistent record is written again. */
  ttl_seconds: spanFrom(1000).optional(),
  /** Whether the node's name holds the instance too. */
  use_path_encoding: z.boolean().optional(),
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
  place: (name, { zk_hosts: hosts, zk_path: path = name, ...keys }, shared) => ({
    address: { type: 'zookeeper', hosts: hosts ?? shared.zookeeper?.hosts ?? [] },
    path,
    form: {
      nodeType: keys.node_type,
      ttl: keys.ttl_seconds,
      pathEncoding: keys.use_path_encoding,
    },
  }),
};
