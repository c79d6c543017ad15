import { portKey } from '@smartstack/daemon';
import { type EtcdV2Address, etcdEndpoints } from '@smartstack/registry';
import { z } from 'zod';

import { addressOf, hostKey } from '../../checks/check.ts';
import type { PlaceKeys, Reporter } from './reporter.ts';

const keys = {
  etcd_endpoints: etcdEndpoints.optional().meta({
    description: 'etcd: its servers, which speak the v3 API',
    otherwise: '`etcd.endpoints`',
    examples: [['https://etcd1:2379', 'https://etcd2:2379', 'https://etcd3:2379']],
  }),
  etcd_host: hostKey.optional().meta({
    description: "etcd: a server with etcd's v2 API, as in the originals",
    otherwise: 'the v3 API',
    examples: ['etcd.example.net'],
  }),
  etcd_port: portKey.optional().meta({
    description: 'etcd: the port of `etcd_host`',
    default: 4003,
    examples: [2379],
  }),
  etcd_path: z
    .string()
    .regex(/^(\/|(\/[^/]+)+)$/, { error: 'expected an absolute path such as /services/web' })
    .optional()
    .meta({
      description:
        'etcd: where it is announced, as `<etcd_path>/<instance_id>-<host>:<port>`; with `etcd_host` as `<etcd_path>/<instance_id>/<number>`',
      otherwise: 'required; `/` with `etcd_host`',
      examples: ['/services/web'],
    }),
};

/** For how many check intervals an announcement outlives a nerve that died, as in the original. */
const checksOfLife = 5;

/** Where a service is announced: over the v3 API, or as the originals did over v2. */
export type EtcdPlace = PlaceKeys &
  (
    | { readonly address: { readonly type: 'etcd'; readonly endpoints: readonly string[] } }
    | {
        readonly address: EtcdV2Address & { readonly type: 'etcd_v2' };
        /** How long an announcement outlives nerve, in milliseconds. */
        readonly ttl: number;
      }
  );

/**
 * Announces as a key under this daemon's lease; with `etcd_host` as a key of etcd's v2 API that lives for five check
 * intervals unless it is written again.
 */
export const etcd: Reporter<typeof keys, EtcdPlace> = {
  type: 'etcd',
  keys,
  missing: ({ etcd_host: host, etcd_endpoints: endpoints, etcd_path: path, ...rest }, shared) => {
    if (host !== undefined)
      return endpoints === undefined
        ? {}
        : { etcd_endpoints: 'not with etcd_host, which has the v2 API alone; leave one out' };
    return {
      ...(endpoints === undefined &&
        shared.etcd === undefined && {
          etcd_endpoints:
            'missing; give it here or as etcd.endpoints for all services, or an etcd_host for the v2 API',
        }),
      ...(path === undefined && { etcd_path: 'missing; expected a path such as /services/web' }),
      ...('etcd_port' in rest && { etcd_port: 'only with etcd_host; endpoints have their ports' }),
    };
  },
  place: (
    _,
    { etcd_host: host, etcd_port: port = 4003, etcd_path: path = '/', ...keys },
    shared,
  ) =>
    host === undefined
      ? {
          address: {
            type: 'etcd',
            endpoints: keys.etcd_endpoints ?? shared.etcd?.endpoints ?? [],
          },
          path,
        }
      : {
          address: { type: 'etcd_v2', host, port },
          path,
          ttl: keys.check_interval * checksOfLife,
        },
  identity: (place) => {
    if (!('ttl' in place)) return [place.address.endpoints.toSorted(), place.path];
    const { host, port } = place.address;
    return [`${host.toLowerCase()}:${port}`, place.path];
  },
  describe: (place, { instanceName, address, etcd: section }) => {
    const { path } = place;
    if (!('ttl' in place)) {
      const key = `${section?.prefix ?? ''}${path}/${instanceName}-${address}`;
      return `in etcd at ${place.address.endpoints.join(',')}, as ${key}, gone ${(section?.lease_ttl ?? 10_000) / 1000} s after nerve died`;
    }
    const folder = `${path === '/' ? '' : path}/${instanceName}`;
    return `in etcd at ${addressOf(place.address)}, as ${folder}/<number>, gone ${place.ttl / 1000} s after nerve died`;
  },
  open: (place, registries) => {
    if ('ttl' in place) {
      const { announce } = registries.openEtcdV2(place.address);
      return { announce: (...args) => announce(place.ttl, ...args) };
    }
    const registry = registries.openEtcd(place.address.endpoints);
    return {
      announce: registry.announce,
      lastUnhealthy: registry.lastUnhealthy,
      inherited: {
        remains: () => registry.hasUnclaimed(place.path),
        drop: registry.dropUnclaimed,
        // An instance has one key, whoever writes it.
        clear: async () => {},
      },
    };
  },
};
