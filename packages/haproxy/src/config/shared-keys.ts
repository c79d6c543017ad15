import { duration } from '@smartstack/daemon';
import { z } from 'zod';

import { serverKeywords } from './keywords.ts';
import { lines, singleLine } from './lines.ts';
import { flag, optional } from './values.ts';

const notWhole = { error: 'expected a whole number' };

/** A whole number of any size, which may be written as text too, as its digits: beyond 2^53 a number is not exact. */
const seed = z
  .union([z.int(), z.string().regex(/^[+-]?\d{1,400}$/, notWhole)], notWhole)
  .transform((value) => BigInt(value).toString());

/** Top-level keys that mean the same for a managed and an external HAProxy. */
export const sharedKeys = {
  global: optional(lines).meta({
    description: 'lines of its section; in managed mode what synapse needs is added to yours',
    otherwise: 'what synapse needs',
    examples: [['maxconn 4096', 'nbthread 2']],
  }),
  defaults: optional(lines).meta({
    description: 'lines of its section',
    otherwise: 'sane ones',
    examples: [['timeout connect 1s', 'timeout client 1m', 'timeout server 1m']],
  }),
  extra_sections: z
    .record(singleLine, lines)
    .default({})
    .meta({
      description: 'sections of your own by heading; never touched at runtime',
      examples: [{ 'listen admin': ['bind 127.0.0.1:3212', 'mode http', 'stats enable'] }],
    }),
  shared_frontend: optional(lines).meta({
    description: 'lines of the frontend that services share',
    otherwise: 'none',
    examples: [['bind 127.0.0.1:80', 'mode http']],
  }),
  bind_address: singleLine.default('localhost').meta({
    description: 'the address that apps connect to, where a service does not say another',
    examples: ['0.0.0.0'],
  }),
  use_nerve_weights: flag(false).meta({ description: 'servers have the announced `weight`' }),
  drain_timeout: duration.prefault(10).meta({
    description: 'how long a leaving server may finish its connections; it gets no new ones',
    examples: ['1m'],
  }),
  restart_interval: duration.prefault(2).meta({
    description: 'the least time between two reloads; membership never waits for it',
    examples: ['10s'],
  }),
  restart_jitter: z
    .number()
    .min(0)
    .max(100)
    .default(0)
    .meta({ description: 'a share of it that is added at random', examples: [0.5] }),
  trust_registry_config: flag(false).meta({
    description:
      'takes every key, also raw lines, from a ZooKeeper path’s own data: whoever can write there then configures this proxy',
  }),
  registry_server_options: z
    .union([
      z.enum(['allow', 'deny']),
      z.array(
        z.string().refine((word) => serverKeywords.has(word), {
          error: 'expected a keyword of a HAProxy server line',
        }),
      ),
    ])
    .default('allow')
    .meta({
      description:
        'which words of `haproxy_server_options` are taken from the registry: `allow` (a list of harmless ones), `deny`, or a list of keywords',
      examples: [['weight', 'maxconn']],
    }),
  server_order_seed: optional(seed).meta({
    description: 'what `backend_order: shuffle` begins with: any whole number, also a large one',
    otherwise: 'the host’s name',
    examples: [42],
  }),
  max_server_id: z
    .int()
    .min(1)
    .max(2_147_483_647)
    .default(268_435_455)
    .meta({
      description:
        'the highest id of a server. Ids are hashes, the same on every machine; a small range makes them collide',
      examples: [65_535],
    }),
};
