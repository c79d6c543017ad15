import { type ConsulForm, consulSchema, consulUrl, defaultForm } from '@smartstack/registry';
import { z } from 'zod';

import { spanFrom } from '../../checks/check.ts';
import type { PlaceKeys, Reporter } from './reporter.ts';

const keys = {
  consul_url: consulUrl.optional().meta({
    description: "consul: this machine's agent",
    otherwise: '`consul.url`, else `http://127.0.0.1:8500`',
    examples: ['http://127.0.0.1:8500'],
  }),
  consul_service: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, {
      error: 'expected letters, digits, dots, underscores and dashes',
    })
    .optional()
    .meta({
      description: 'consul: the service that it is registered as',
      otherwise: "the service's name",
      examples: ['web'],
    }),
  consul_tags: z
    .array(z.string().min(1).max(255))
    .optional()
    .meta({ description: "consul: the service's tags", otherwise: 'none', examples: [['v2']] }),
  consul_ttl: spanFrom(1000)
    .optional()
    .meta({
      description:
        'consul: how long the service passes after a nerve that died; less than 12 s may run out while Consul elects a leader, since an agent may take no word for up to 7 s',
      default: 15,
      examples: [30],
    }),
  consul_deregister_after: spanFrom(60_000)
    .optional()
    .meta({
      description: 'consul: how long a service of a nerve that died is kept as critical',
      default: '10m',
      examples: ['1h'],
    }),
};

export interface ConsulPlace extends PlaceKeys {
  readonly address: { readonly type: 'consul'; readonly section: Section };
  readonly registration: ConsulForm;
}

/** Registers with an agent of Consul, with a check that passes for as long as nerve says so. */
export const consul: Reporter<typeof keys, ConsulPlace> = {
  type: 'consul',
  keys,
  missing: () => ({}),
  place: (name, { consul_url: url, consul_service: path = name, ...keys }, shared) => ({
    address: { type: 'consul', section: sectionOf(url, shared.consul) },
    path,
    registration: {
      ttl: keys.consul_ttl ?? defaultForm.ttl,
      deregisterAfter: keys.consul_deregister_after ?? defaultForm.deregisterAfter,
      tags: keys.consul_tags ?? [],
    },
  }),
  identity: ({ address: { section }, path }) => {
    const { url, namespace, partition } = section;
    return [url, namespace, partition, path.split('/').filter(Boolean).join('-')];
  },
  describe: ({ address, path, registration: { ttl, deregisterAfter } }) =>
    `in Consul at ${address.section.url}, as ${path}, critical ${ttl / 1000} s after nerve died, and gone ${deregisterAfter / 1000} s later`,
  open: ({ address, path, registration }, registries) => {
    const registry = registries.openConsul(address.section);
    return {
      announce: (...args) => registry.announceAs(registration, ...args),
      lastUnhealthy: registry.lastUnhealthy,
      inherited: {
        remains: () => registry.hasUnclaimed(path),
        drop: registry.dropUnclaimed,
        clear: async () => {},
      },
    };
  },
};

type Section = z.output<typeof consulSchema>;

/** Another agent is spoken to as the shared one is. */
function sectionOf(url: string | undefined, shared: Section | undefined): Section {
  const usual = shared ?? consulSchema.parse({});
  return url === undefined ? usual : { ...usual, url };
}
