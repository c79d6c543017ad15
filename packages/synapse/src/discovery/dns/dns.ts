import type { Mechanism } from '@smartstack/daemon';
import { type Instance, isHost } from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from '../discovery.ts';
import { dnsKeys } from './keys.ts';
import { createLookup } from './lookup.ts';
import { withAddresses } from './resolved.ts';

const server = z.strictObject({
  name: z.string().optional(),
  host: z.string().refine(isHost, { error: 'expected a host name or an address' }),
  port: z.int().min(1).max(65_535).optional(),
  labels: z.record(z.string(), z.string()).optional(),
});

const schema = z.strictObject({
  method: z.literal('dns'),
  servers: z.array(server).min(1),
  ...dnsKeys,
});

/** Looks up names: their addresses, or the members of a service's name (`_web._tcp.example.com`). */
export const dns: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'dns',
  schema,
  create: ({ servers, nameserver, check_interval: interval }, { log, port }) => {
    const named = servers.map((each): Instance => {
      const { host, name, labels } = each;
      // A service's name brings the port; what stands here for it is replaced.
      const own = each.port ?? port ?? 1;
      return { host, port: own, ...(name !== undefined && { name }), ...(labels && { labels }) };
    });
    const fixed: Discovery = async function* () {
      yield named;
    };
    return withAddresses(fixed, { lookup: createLookup(nameserver), interval, log });
  },
};
