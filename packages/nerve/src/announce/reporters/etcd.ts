import { portKey } from '@smartstack/daemon';
import { z } from 'zod';

import { hostKey } from '../../checks/check.ts';
import type { Reporter } from './reporter.ts';

const keys = {
  etcd_host: hostKey.optional().meta({
    description: "etcd: a server with etcd's v2 API",
    otherwise: 'required with etcd',
    examples: ['etcd.example.net'],
  }),
  etcd_port: portKey.optional().meta({
    description: 'etcd: its port',
    default: 4003,
    examples: [2379],
  }),
  etcd_path: z
    .string()
    .regex(/^(\/|(\/[^/]+)+)$/, { error: 'expected an absolute path such as /services/web' })
    .optional()
    .meta({
      description: 'etcd: where it is announced, as `<etcd_path>/<instance_id>/<number>`',
      default: '/',
      examples: ['/services/web'],
    }),
};

/** For how many check intervals an announcement outlives a nerve that died, as in the original. */
const checksOfLife = 5;

/** Announces as a key of etcd's v2 API that lives for five check intervals unless it is written again. */
export const etcd: Reporter<typeof keys> = {
  type: 'etcd',
  keys,
  missing: ({ etcd_host: host }) =>
    host === undefined ? { etcd_host: 'missing; expected the name of an etcd server' } : {},
  place: (_, { etcd_host: host = '', etcd_port: port = 4003, etcd_path: path = '/', ...keys }) => ({
    address: { type: 'etcd_v2', host, port },
    path,
    ttl: keys.check_interval * checksOfLife,
  }),
};
