import type { Mechanism } from '@smartstack/daemon';
import { etcdEndpoints, etcdPath, jsonDecoder } from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';

const key = z.string().min(1).optional();

const schema = z
  .strictObject({
    method: z.literal('etcd'),
    endpoints: etcdEndpoints.optional().meta({
      description: 'its servers',
      otherwise: '`etcd.endpoints`',
      examples: [['https://etcd1:2379', 'https://etcd2:2379', 'https://etcd3:2379']],
    }),
    path: etcdPath.meta({
      description: 'where the service is announced (nerve’s `etcd_path`), behind `etcd.prefix`',
      examples: ['/services/web'],
    }),
    decode: z
      .discriminatedUnion('method', [
        z.strictObject({ method: z.literal('nerve') }).meta({
          description: 'nerve’s own records, and plain `host:port`',
        }),
        z
          .strictObject({
            method: z.literal('json'),
            address: key.meta({
              description: 'the key that holds `host:port`',
              otherwise: '`host` and `port` apart',
              examples: ['Addr'],
            }),
            host: key.meta({ description: 'the host’s key', default: 'host', examples: ['ip'] }),
            port: key.meta({ description: 'the port’s key', default: 'port', examples: ['http'] }),
            name: key.meta({
              description: 'the key of the member’s name',
              otherwise: 'the last part of etcd’s key',
              examples: ['id'],
            }),
            weight: key.meta({
              description: 'the weight’s key',
              otherwise: 'none',
              examples: ['Metadata.weight'],
            }),
            labels: key.meta({
              description: 'the key of a mapping of labels',
              otherwise: 'none',
              examples: ['Metadata'],
            }),
          })
          .meta({
            description:
              'JSON by other keys, such as gRPC’s naming (`{Addr, Metadata}`); a dot goes into a mapping',
          }),
      ])
      .optional()
      .meta({
        description: 'how records are read',
        otherwise: '`{method: nerve}`',
        examples: [{ method: 'json', address: 'Addr' }],
      }),
  })
  .meta({ description: 'the instances registered under a path of etcd (v3)' });

/** Follows the keys directly below a path of etcd. */
export const etcd: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'etcd',
  schema,
  create: ({ endpoints, path, decode }, { registries, etcd: shared, service, onTrouble }) => {
    const servers = endpoints ?? shared?.endpoints;
    if (!servers) throw new Error(`cannot follow ${service}: no etcd endpoints`);
    const registry = registries.openEtcd(servers);
    const options = {
      ...(decode?.method === 'json' && { decode: jsonDecoder(decode) }),
      ...(onTrouble && { onTrouble: (reason: string | undefined) => onTrouble(reason) }),
    };
    return (signal) => registry.follow(path, options, signal);
  },
};
