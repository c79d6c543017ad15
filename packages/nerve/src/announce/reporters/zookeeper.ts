import { wholeNumber } from '@smartstack/daemon';
import {
  nodePath,
  nodeTypes,
  type RecordForm,
  type RegistryAddress,
  splitChroot,
  zooKeeperHosts,
} from '@smartstack/registry';
import { z } from 'zod';

import { spanFrom } from '../../checks/check.ts';
import type { PlaceKeys, Reporter } from './reporter.ts';

const keys = {
  zk_hosts: zooKeeperHosts.optional().meta({
    description: 'zookeeper: the ensemble, `host:port` each',
    otherwise: '`zookeeper.hosts`',
    examples: [['zk1:2181', 'zk2:2181', 'zk3:2181']],
  }),
  zk_path: nodePath.optional().meta({
    description: 'zookeeper: where it is announced, as `<zk_path>/<instance_id>_<sequence>`',
    otherwise: 'required with zookeeper',
    examples: ['/services/web'],
  }),
  node_type: z
    .enum(nodeTypes)
    .optional()
    .meta({
      description: 'zookeeper: how the record is held; a persistent one outlives a nerve that dies',
      default: 'ephemeral_sequential',
      examples: ['persistent'],
    }),
  ttl_seconds: spanFrom(1000)
    .optional()
    .meta({
      description: 'zookeeper: how often a persistent node is written again',
      otherwise: 'never',
      examples: [60],
    }),
  use_path_encoding: z.boolean().optional().meta({
    description: "zookeeper: the node's name holds the instance too",
    default: false,
  }),
  encode: z
    .discriminatedUnion('method', [
      z.strictObject({ method: z.literal('nerve') }).meta({ description: 'nerve’s own records' }),
      z
        .strictObject({
          method: z.literal('serverset'),
          endpoint_name: z
            .string()
            .min(1)
            .optional()
            .meta({
              description: 'an additional endpoint that has the address too',
              otherwise: 'none: the service endpoint alone',
              examples: ['admin'],
            }),
          shard: wholeNumber(0, 2_147_483_647)
            .optional()
            .meta({
              description: 'the number of this copy among those of its job',
              otherwise: 'none',
              examples: [3],
            }),
        })
        .meta({
          description:
            'members of a server set, `<zk_path>/member_<sequence>`, for Finagle, Aurora and Prometheus’ `serverset_sd_configs`',
        }),
    ])
    .optional()
    .meta({
      description: 'zookeeper: how the record is written',
      otherwise: '`{method: nerve}`',
      examples: [{ method: 'serverset', endpoint_name: 'admin' }],
    }),
};

export interface ZooKeeperPlace extends PlaceKeys {
  readonly address: Extract<RegistryAddress, { type: 'zookeeper' }>;
  readonly form: RecordForm;
}

/** Announces as an ephemeral sequential node below `zk_path`. */
export const zookeeper: Reporter<typeof keys, ZooKeeperPlace> = {
  type: 'zookeeper',
  keys,
  missing: ({ zk_hosts: hosts, zk_path: path, ...keys }, shared) => ({
    ...(keys.encode?.method === 'serverset' && unfitForServerset(keys)),
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
      serverset: serversetOf(keys.encode),
    },
  }),
  identity: ({ address, path }) => {
    const { hosts, chroot = '' } = splitChroot(address.hosts);
    return [hosts.toSorted(), `${chroot}${path}`];
  },
  describe: ({ address, path, form }, { instanceName, sessionTimeout }) => {
    const { nodeType = 'ephemeral_sequential', serverset } = form;
    const name = serverset ? 'member' : instanceName;
    const node = nodeType.endsWith('sequential') ? `${name}_<sequence>` : name;
    const gone = nodeType.startsWith('persistent')
      ? 'which stays when nerve dies'
      : `gone ${sessionTimeout / 1000} s after nerve died`;
    return `in ZooKeeper at ${address.hosts.join(',')}, as ${path}/${node}, ${gone}`;
  },
  open: ({ address, path, form }, registries) => {
    const registry = registries.openZooKeeper(address.hosts);
    return {
      announce: (...args) => registry.announceAs(form, ...args),
      lastUnhealthy: registry.lastUnhealthy,
      inherited: {
        remains: () => registry.hasUnclaimed(path),
        drop: registry.dropUnclaimed,
        clear: (instance, signal) => registry.clearStale(path, instance, signal),
      },
    };
  },
};

type Keys = z.output<z.ZodObject<typeof keys>>;

function serversetOf(encode: Keys['encode']) {
  if (encode?.method !== 'serverset') return undefined;
  return { endpointName: encode.endpoint_name, shard: encode.shard };
}

/** Those who read server sets know a member by `member_` and a number, and read what is in it. */
function unfitForServerset({ node_type: nodeType, use_path_encoding: inName }: Keys) {
  return {
    ...(inName && { use_path_encoding: 'not with encode: {method: serverset}' }),
    ...(['ephemeral', 'persistent'].includes(nodeType ?? '') && {
      node_type:
        'members of a server set are numbered; expected ephemeral_sequential or persistent_sequential',
    }),
  };
}
