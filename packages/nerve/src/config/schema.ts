import {
  duration,
  filePath,
  portKey,
  schemaKey,
  serviceConfDir,
  statusAddress,
  wholeNumber,
} from '@smartstack/daemon';
import { consulSchema, etcdSchema, registrySchema, zooKeeperSchema } from '@smartstack/registry';
import { z } from 'zod';

import { hostKey } from '../checks/check.ts';
import { topPolicyKeys } from './policy-schema.ts';
import { endpointConflicts, reporterKeyProblems, uselessWarmups } from './problems.ts';
import { serviceSchema } from './service-schema.ts';

/** nerve's configuration as it is written. */
export const configSchema = z
  .strictObject({
    $schema: schemaKey('nerve'),
    instance_id: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[\x21-\x2e\x30-\x7e]*$/, {
        error: 'expected ASCII text without spaces and slashes',
      })
      .meta({
        description:
          "this machine's name in the registry. `-i` and `NERVE_INSTANCE_ID` win over it, also where it is missing",
        otherwise: 'required',
        examples: ['web-1'],
      }),
    services: z.record(z.string(), serviceSchema).meta({
      description: 'what runs here, by name',
      otherwise: 'required, or `service_conf_dir`',
      examples: [{ web: { host: '10.0.0.1', port: 3000, zk_path: '/services/web' } }],
    }),
    service_conf_dir: serviceConfDir,
    zookeeper: zooKeeperSchema.optional(),
    etcd: etcdSchema.optional(),
    consul: consulSchema.optional(),
    registry: registrySchema.optional(),
    ...topPolicyKeys,
    status_address: statusAddress.prefault('127.0.0.1:9103').meta({
      description:
        'where the page (`/`), `/health`, `/ready`, `/metrics` and `/status` are served, or `false` for nowhere',
      examples: [false],
    }),
    state_directory: z
      .union([z.literal(false), filePath])
      .optional()
      .meta({
        description:
          "the socket for commands, the sessions that a next nerve takes over, and operators' overrides; `false` for none",
        otherwise:
          "systemd's `$STATE_DIRECTORY`, else `/var/lib/nerve`; for a user `~/.local/state/nerve`",
        examples: ['/srv/nerve'],
      }),
    drain: duration.prefault(0).meta({
      description: 'how long nerve stays on after SIGTERM once everything is withdrawn',
      examples: ['5s'],
    }),
    heartbeat_path: filePath.optional().meta({
      description: 'a file that is touched every 5 s while nerve works',
      examples: ['/run/nerve/heartbeat'],
    }),
    statsd: z
      .strictObject({
        host: hostKey
          .default('localhost')
          .meta({ description: 'where statsd listens', examples: ['10.0.0.9'] }),
        port: portKey.default(8125).meta({ description: 'its UDP port', examples: [9125] }),
      })
      .optional()
      .meta({
        description: "counters in the originals' names, over UDP",
        otherwise: 'none',
        examples: [{ host: 'localhost' }],
      }),
    max_repeated_report_failures: wholeNumber(1, 1_000_000)
      .optional()
      .meta({
        description: "taken from the originals' files, without effect: nerve never gives up",
        examples: [10],
        deprecated: true,
      }),
  })
  .meta({ required: [], anyOf: [{ required: ['services'] }, { required: ['service_conf_dir'] }] })
  .superRefine(
    (config, context) => {
      for (const [path, message] of reporterKeyProblems(config))
        context.addIssue({ code: 'custom', path: [...path], message, input: undefined });
    },
    // Reported together with wrong keys, not only once those are fixed.
    { when: () => true },
  )
  .superRefine((config, context) => {
    for (const [path, message] of [...endpointConflicts(config), ...uselessWarmups(config)])
      context.addIssue({ code: 'custom', path: [...path], message, input: undefined });
  });

export type ParsedConfig = z.output<typeof configSchema>;
