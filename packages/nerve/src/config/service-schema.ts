import { portKey, wholeNumber } from '@smartstack/daemon';
import { z } from 'zod';

import { reporterKeys, reporterTypes } from '../announce/reporters/table.ts';
import { hostKey, span, spanFrom } from '../checks/check.ts';
import { checkSchema } from '../checks/table.ts';
import { servicePolicyKeys } from './policy-schema.ts';

/** One entry of a service's `reporters`. */
const reporterSchema = z.strictObject({
  type: z.enum(reporterTypes).meta({
    description:
      'the kind of registry; the other keys are those that a service has with this `reporter_type`',
    examples: ['zookeeper'],
  }),
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, {
      error: 'expected letters, digits, dots, dashes and underscores',
    })
    .optional()
    .meta({
      description: 'what status and metrics call it',
      otherwise: 'its type; `zookeeper-2` for a second one of that type',
      examples: ['old'],
    }),
  ...reporterKeys,
});

/** One entry of `services`, or one file of `service_conf_dir`. */
export const serviceSchema = z.strictObject({
  host: hostKey.meta({
    description: 'the address that other machines reach it at; also where it is checked',
    examples: ['10.0.0.1'],
  }),
  port: portKey.meta({ description: 'the port that it listens on', examples: [3000] }),
  reporter_type: z.enum(reporterTypes).optional().meta({
    description: 'where it is announced',
    otherwise:
      '`registry.type`, else the first of `zookeeper`, `etcd` and `consul` that has a section, else `zookeeper`',
  }),
  ...reporterKeys,
  reporters: z
    .array(reporterSchema)
    .min(1)
    .optional()
    .meta({
      description:
        'several registries at a time, in place of `reporter_type` and its keys: each is announced in by itself, and one that is down holds up no other',
      otherwise: 'one, by `reporter_type`',
      examples: [[{ type: 'zookeeper', zk_path: '/web' }, { type: 'file' }]],
    }),
  check_interval: spanFrom(10)
    .prefault(0.5)
    .meta({
      description: 'how often each check starts',
      examples: ['2s'],
    }),
  checks: z
    .array(checkSchema)
    .default([])
    .meta({
      description: 'all must pass; with none the service is announced as long as nerve runs',
      examples: [[{ type: 'http', uri: '/health' }]],
    }),
  weight: wholeNumber(0, 1_000_000)
    .optional()
    .meta({ description: 'announced, for proxies that use weights', examples: [10] }),
  warmup: span.optional().meta({
    description:
      'how long the announced `weight` takes to grow, in ten steps, after the service came up',
    otherwise: 'at once',
    examples: ['1m'],
  }),
  labels: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .optional()
    .meta({
      description: 'announced, for filters (`label_filters` of synapse)',
      examples: [{ zone: 'a' }],
    }),
  haproxy_server_options: z
    .string()
    .max(4096)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    .regex(/^[^\u0000-\u001f\u007f]*$/, { error: 'expected one line of server options' })
    .optional()
    .meta({
      description:
        'words for a proxy’s server line, announced; synapse lets only known ones through',
      examples: ['maxconn 100'],
    }),
  ...servicePolicyKeys,
  check_mocked: z.boolean().default(false).meta({
    description: 'for load tests: every check passes',
  }),
  load_test_concurrency: wholeNumber(1, 10_000)
    .optional()
    .meta({
      description: 'for load tests: so many copies are announced, as `<name>_0` and on',
      otherwise: 'one, under its own name',
      examples: [100],
    }),
});

export type ParsedService = z.output<typeof serviceSchema>;
