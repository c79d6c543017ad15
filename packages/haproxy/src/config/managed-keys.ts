import { duration } from '@smartstack/daemon';
import { z } from 'zod';

import { singleLine } from './lines.ts';
import { optional, path } from './values.ts';

const managed = { mode: 'managed' } as const;

/** Top-level keys for an HAProxy that synapse runs itself. */
export const managedKeys = {
  run_directory: optional(path).meta({
    ...managed,
    description:
      'its file, sockets, pid and log (the log in `$LOGS_DIRECTORY` where systemd gives one)',
    otherwise:
      'systemd’s `$RUNTIME_DIRECTORY`, else `/run/synapse`; for a user `$XDG_RUNTIME_DIR/synapse`',
    examples: ['/srv/synapse/run'],
  }),
  binary: path.default('haproxy').meta({
    ...managed,
    description: 'the HAProxy program: a path, or a name to find in `PATH`',
    examples: ['/usr/local/sbin/haproxy'],
  }),
  on_exit: z
    .enum(['keep', 'stop'])
    .default('keep')
    .meta({
      ...managed,
      description:
        'what becomes of HAProxy when synapse ends. To stop a kept one: `kill $(cat /run/synapse/haproxy.pid)`',
    }),
  supervised: z
    .boolean()
    .default(() => process.env.SYNAPSE_HAPROXY_SUPERVISED === '1')
    .meta({
      ...managed,
      description:
        'a service manager starts HAProxy and starts it again (`synapse-haproxy.service`): synapse writes its file, reloads it and tells it, and neither starts nor ends it',
      otherwise: '`false`; `true` under the packages’ units',
    }),
  maxconn: optional(z.int().min(10)).meta({
    ...managed,
    description: 'its connections',
    otherwise: 'what the descriptor limit allows',
    examples: [10_000],
  }),
  hard_stop_after: duration.prefault(600).meta({
    ...managed,
    description: 'how long an old worker may finish its connections after a reload',
    examples: ['1h'],
  }),
  max_old_workers: z
    .int()
    .min(1)
    .max(100)
    .default(3)
    .meta({
      ...managed,
      description: 'how many reloads an old worker that still has connections may outlive',
      examples: [5],
    }),
  stats_address: z
    .union([z.literal(false), singleLine])
    .default('127.0.0.1:9101')
    .meta({
      ...managed,
      description: 'HAProxy’s stats page, and its Prometheus exporter at `/metrics`; or `false`',
      examples: [false],
    }),
  syslog: optional(singleLine).meta({
    ...managed,
    description: 'an address for HAProxy’s own log lines',
    otherwise: 'they go to `haproxy.log` in `run_directory`',
    examples: ['/dev/log'],
  }),
  audit_interval: duration.prefault(30).meta({
    ...managed,
    description: 'how often everything is compared with HAProxy’s actual state',
    examples: ['1m'],
  }),
  check_timeout: duration.prefault(10).meta({
    ...managed,
    description: 'how long judging a file (`haproxy -c`) may take',
    examples: ['30s'],
  }),
  reload_timeout: duration.prefault(15).meta({
    ...managed,
    description: 'how long a reload may take',
    examples: ['30s'],
  }),
};
