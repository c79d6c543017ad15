import { duration } from '@smartstack/daemon';
import { z } from 'zod';

const managed = { mode: 'managed' } as const;

/** Top-level keys for an Envoy that synapse runs itself. */
export const managedKeys = {
  binary: z
    .string()
    .min(1)
    .default('envoy')
    .meta({
      ...managed,
      description: 'the Envoy program: a path, or a name to find in `PATH`',
      examples: ['/usr/local/bin/envoy'],
    }),
  on_exit: z
    .enum(['keep', 'stop'])
    .default('keep')
    .meta({
      ...managed,
      description:
        'what becomes of Envoy when synapse ends. To stop a kept one: `curl -X POST --unix-socket /run/synapse/envoy-admin.sock http://envoy/quitquitquit`',
    }),
  supervised: z
    .boolean()
    .default(() => process.env.SYNAPSE_ENVOY_SUPERVISED === '1')
    .meta({
      ...managed,
      description:
        'a service manager starts Envoy and starts it again: synapse writes its bootstrap file and serves it, and neither starts nor ends it',
      otherwise: '`false`',
    }),
  concurrency: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .meta({
      ...managed,
      description: 'its worker threads (`--concurrency`)',
      otherwise: 'one for each core',
      examples: [2],
    }),
  drain_time: duration.prefault(60).meta({
    ...managed,
    description:
      'how long connections may go on at an Envoy that is replaced or stopped, and at a listener that was removed',
    examples: ['10m'],
  }),
  log_level: z
    .enum(['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'])
    .default('info')
    .meta({
      ...managed,
      description: 'of Envoy’s own log (`--log-level`)',
      examples: ['warning'],
    }),
};

/** Their names. */
export const managedNames: readonly string[] = Object.keys(managedKeys);
