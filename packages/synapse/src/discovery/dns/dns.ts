import type { Mechanism } from '@smartstack/daemon';
import { hostSchema, type Instance } from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from '../discovery.ts';
import { dnsKeys } from './keys.ts';
import { createLookup } from './lookup.ts';
import { withAddresses } from './resolved.ts';

const server = z.strictObject({
  name: z
    .string()
    .optional()
    .meta({ description: 'the name of its members', examples: ['web'] }),
  host: hostSchema.meta({
    description:
      'the name: all its addresses (A and AAAA). A service’s name (SRV) brings ports and weights (used with `use_nerve_weights`); records of a worse priority are backup servers',
    examples: ['_web._tcp.example.com'],
  }),
  port: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .meta({
      description: 'the port of its members',
      otherwise: '`backend_port_override`',
      examples: [8080],
    }),
  labels: z
    .record(z.string(), z.string())
    .optional()
    .meta({ description: 'the labels of its members', examples: [{ zone: 'a' }] }),
});

/** A name may stand alone, as in the originals' files. */
const named = z
  .union([hostSchema, server])
  .transform((each): z.output<typeof server> => (typeof each === 'string' ? { host: each } : each));

const schema = z
  .strictObject({
    method: z.literal('dns'),
    servers: z
      .array(named)
      .min(1)
      .meta({
        description: 'the names; one without keys of its own may stand as text',
        examples: [[{ host: 'web.example.com', port: 8080 }]],
      }),
    ...dnsKeys,
  })
  .meta({ description: 'who names resolve to' });

/** Looks up names: their addresses, or the members of a service's name (`_web._tcp.example.com`). */
export const dns: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'dns',
  schema,
  create: ({ servers, nameserver, check_interval: interval }, { log, port, onTrouble }) => {
    const named = servers.map((each): Instance => {
      const { host, name, labels } = each;
      // A service's name brings the port; what stands here for it is replaced.
      const own = each.port ?? port ?? 1;
      return { host, port: own, ...(name !== undefined && { name }), ...(labels && { labels }) };
    });
    const fixed: Discovery = async function* () {
      yield named;
    };
    return withAddresses(fixed, { lookup: createLookup(nameserver), interval, log, onTrouble });
  },
};
