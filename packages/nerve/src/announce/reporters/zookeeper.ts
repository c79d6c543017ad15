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
};

export interface ZooKeeperPlace extends PlaceKeys {
  readonly address: Extract<RegistryAddress, { type: 'zookeeper' }>;
  readonly form: RecordForm;
}

/** Announces as an ephemeral sequential node below `zk_path`. */
export const zookeeper: Reporter<typeof keys, ZooKeeperPlace> = {
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
  identity: ({ address, path }) => {
    const { hosts, chroot = '' } = splitChroot(address.hosts);
    return [hosts.toSorted(), `${chroot}${path}`];
  },
  describe: ({ address, path, form }, { instanceName, sessionTimeout }) => {
    const { nodeType = 'ephemeral_sequential' } = form;
    const node = nodeType.endsWith('sequential') ? `${instanceName}_<sequence>` : instanceName;
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
