import { duration, type Mechanism } from '@smartstack/daemon';
import {
  type ConsulMapping,
  type ConsulSection,
  consulAccessKeys,
  consulSchema,
  consulUrl,
  labelSources,
} from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { polled } from './polled.ts';

const word = z.string().min(1);

const schema = z
  .strictObject({
    method: z.literal('consul'),
    service: word.optional().meta({
      description: "the service's name in Consul",
      otherwise: 'the service’s name here',
      examples: ['web'],
    }),
    query: word.optional().meta({
      description:
        'a prepared query, by its name or id, in place of `service`; asked for every `poll_interval`',
      otherwise: 'none',
      examples: ['nearest-web'],
    }),
    poll_interval: duration
      .refine((milliseconds) => milliseconds >= 1000, { error: 'expected at least a second' })
      .prefault(10)
      .meta({
        description: 'how often a prepared query is asked for',
        minimum: 1,
        examples: ['30s'],
      }),
    health: z
      .enum(['passing', 'warning', 'any'])
      .default('passing')
      .meta({
        description:
          'which instances are members, by the worst of their checks and of their node’s: `warning` are those that pass or warn, with `Weights.Warning`; `any` leaves it to the proxy’s checks. None is one that is in maintenance',
        examples: ['warning'],
      }),
    tag: word.optional().meta({
      description: 'only instances with this tag',
      otherwise: 'all',
      examples: ['primary'],
    }),
    tags: z
      .array(word)
      .default([])
      .meta({
        description: 'only instances with all of these tags',
        examples: [['primary', 'v2']],
      }),
    filter: word.optional().meta({
      description: 'only instances for which this expression of Consul’s is true',
      otherwise: 'all',
      examples: ['Service.Meta.version != "1"'],
    }),
    near: word.optional().meta({
      description: 'in the order of their distance to this node; `_agent` for the agent’s',
      otherwise: 'by node and id',
      examples: ['_agent'],
    }),
    consistency: z
      .enum(['default', 'stale', 'consistent'])
      .default('default')
      .meta({
        description: 'how Consul reads: `stale` lets any of its servers answer',
        examples: ['stale'],
      }),
    max_stale: duration.prefault(10).meta({
      description: 'how old an answer may be; an older one is ignored, and the last members stay',
      examples: ['1m'],
    }),
    datacenters: z
      .array(word)
      .min(1)
      .optional()
      .meta({
        description: 'datacenters in their order: the members of the first that has any',
        otherwise: '`consul.datacenter`',
        examples: [['dc1', 'dc2']],
      }),
    labels_from: z
      .array(z.enum(labelSources))
      .default([...labelSources])
      .meta({
        description:
          'what becomes labels; meta wins over tags, those over the node’s meta, and that over `datacenter`',
        examples: [['meta']],
      }),
    tag_prefix: z
      .string()
      .default('tag_')
      .meta({
        description:
          'a tag without `=` becomes the label of this prefix and the tag, with the value `true`; `key=value` becomes a label',
        examples: ['consul_tag_'],
      }),
    label_names: z
      .record(z.string(), word)
      .default({})
      .meta({
        description: 'labels that get another name',
        examples: [{ availability_zone: 'zone' }],
        leaf: true,
      }),
    tagged_address: word.optional().meta({
      description: 'which of the tagged addresses is used where there is one',
      otherwise: 'the address',
      examples: ['wan'],
    }),
    url: consulUrl.optional().meta({
      description: 'another Consul than the shared one; nothing of that one’s section is used then',
      otherwise: '`consul.url`, else `http://127.0.0.1:8500`',
      examples: ['http://10.0.0.5:8500'],
    }),
    ...consulAccessKeys,
  })
  .meta({ description: 'the instances of a Consul service, whoever registered them' });

type Config = z.output<typeof schema>;

/** Follows a service of Consul, or polls a prepared query. */
export const consul: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'consul',
  schema,
  create: (config, { registries, consul: shared, service, port, onTrouble, log }) => {
    const registry = registries.openConsul(sectionOf(config, shared));
    const mapping = mappingOf(config, port);
    const { query, near, tag, tags, datacenters = [] } = config;
    if (query !== undefined) {
      const ask = registry.prepared({ query, near, datacenter: datacenters[0] }, mapping);
      return polled({ ask, interval: config.poll_interval, onTrouble, log });
    }
    const followed = {
      service: config.service ?? service,
      datacenters,
      tags: tag === undefined ? tags : [tag, ...tags],
      filter: config.filter,
      near,
      consistency: config.consistency,
      maxStale: config.max_stale,
      mapping,
    };
    return (signal) => registry.follow(followed, onTrouble, signal);
  },
};

function mappingOf(config: Config, port: number | undefined): ConsulMapping {
  return {
    health: config.health,
    labelsFrom: config.labels_from,
    tagPrefix: config.tag_prefix,
    labelNames: config.label_names,
    taggedAddress: config.tagged_address,
    port,
  };
}

/** One section for all services that are followed in the same way: they share its connections. */
function sectionOf(config: Config, shared: ConsulSection | undefined): ConsulSection {
  const { url, token, token_file, tls, namespace, partition } = config;
  const own = { url, token, token_file, tls, namespace, partition };
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  if (url !== undefined || !shared) return consulSchema.parse(given);
  const { token: _, token_file: __, ...rest } = shared;
  return 'token' in given || 'token_file' in given
    ? { ...rest, ...given }
    : { ...shared, ...given };
}
