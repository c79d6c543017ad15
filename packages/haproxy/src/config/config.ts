import { duration, portKey as port } from '@smartstack/daemon';
import { z } from 'zod';

import { serverKeywords } from './keywords.ts';
import { lines, singleLine } from './lines.ts';

const path = singleLine.pipe(z.string().min(1));
const flag = (value: boolean) => z.boolean().default(value);

/** Whether HAProxy can call a frontend or a backend so. */
export function isProxyName(name: string): boolean {
  return /^[A-Za-z0-9_.:-]+$/.test(name);
}

/** Absent and null are the same, as Ruby read them. */
const optional = <S extends z.ZodType>(schema: S) =>
  schema.nullish().transform((value) => value ?? undefined);

/** Words of every server line, in which `%{host}`, `%{port}` and `%{name}` stand for the member's own. */
const template = singleLine.refine(
  (text) =>
    [...text.matchAll(/%\{(\w*)\}/g)].every(([, key]) => /^(host|port|name)$/.test(key ?? '')),
  { error: 'expected no other template than %{host}, %{port} and %{name}' },
);

/**
 * The `haproxy` section of one service, with the originals' keys. Absent `port`: a backend only;
 * null: `bind_address` is the whole address. Times are milliseconds once parsed.
 */
export const haproxyServiceSchema = z.strictObject({
  port: port
    .nullable()
    .optional()
    .meta({
      description:
        'where apps connect. `null`: `bind_address` is the whole address, such as a UNIX socket',
      otherwise: 'a backend only',
      examples: [3213],
    }),
  bind_address: optional(singleLine).meta({
    description: 'the address that apps connect to',
    otherwise: 'the top level’s',
    examples: ['0.0.0.0'],
  }),
  bind_options: optional(singleLine).meta({
    description: 'words behind the bind line’s address',
    otherwise: 'none',
    examples: ['ssl crt /etc/ssl/web.pem'],
  }),
  server_options: optional(template).meta({
    description:
      'words of every server line; `%{host}`, `%{port}` and `%{name}` stand for the member’s own',
    otherwise: 'none',
    examples: ['check inter 2s rise 2 fall 3'],
  }),
  listen: optional(lines).meta({
    description:
      'lines of the service; HAProxy’s own rules say which go to the frontend and which to the backend',
    otherwise: 'none',
    examples: [['mode http', 'option httpchk GET /health']],
  }),
  frontend: optional(lines).meta({
    description: 'lines of the frontend',
    otherwise: 'none',
    examples: [['timeout client 5m']],
  }),
  backend: optional(lines).meta({
    description: 'lines of the backend',
    otherwise: 'none',
    examples: [['balance leastconn']],
  }),
  shared_frontend: optional(lines).meta({
    description: 'lines for a frontend that several services share',
    otherwise: 'none',
    examples: [['use_backend web if { path_beg /web }']],
  }),
  backend_name: optional(
    z.string().refine(isProxyName, {
      error: 'expected a HAProxy proxy name: letters, digits and ._:-',
    }),
  ).meta({
    description: 'what the backend is called',
    otherwise: 'the service’s name',
    examples: ['web_v2'],
  }),
  backend_order: z
    .enum(['shuffle', 'asc', 'desc', 'no_shuffle'])
    .default('shuffle')
    .meta({
      description:
        'the file’s order of servers: `shuffle` is the same on one machine, another on each',
      examples: ['asc'],
    }),
  cookie_value_method: z
    .enum(['name', 'hash'])
    .default('name')
    .meta({ description: 'what a cookie says of a server: its name, or that one’s SHA-1' }),
  use_nerve_weights: optional(z.boolean()).meta({
    description: 'servers have the announced `weight`',
    otherwise: 'the top level’s',
    examples: [true],
  }),
  server_port_override: optional(port).meta({
    description: 'the old name of `backend_port_override`, which wins over it',
    examples: [8080],
  }),
  drain_timeout: optional(duration).meta({
    description: 'how long a leaving server may finish its connections; it gets no new ones',
    otherwise: 'the top level’s',
    examples: ['1m'],
  }),
  disabled: flag(false).meta({ description: 'leaves the service out' }),
});

export type HaproxyService = z.output<typeof haproxyServiceSchema>;

const notWhole = { error: 'expected a whole number' };

/** A whole number of any size, which may be written as text too, as its digits: beyond 2^53 a number is not exact. */
const seed = z
  .union([z.int(), z.string().regex(/^[+-]?\d{1,400}$/, notWhole)], notWhole)
  .transform((value) => BigInt(value).toString());

const managed = { mode: 'managed' } as const;
const originals = { mode: 'originals' } as const;

const settings = z.strictObject({
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
    description: 'how often everything is compared with HAProxy’s own truth',
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

  config_file_path: optional(path).meta({
    ...originals,
    description: 'the file that is written',
    otherwise: 'required with `do_writes`',
    examples: ['/etc/haproxy/haproxy.cfg'],
  }),
  socket_file_path: optional(z.union([path, z.array(path).min(1)])).meta({
    ...originals,
    description: 'a stats socket of level admin, or a list of them',
    otherwise: 'required with `do_socket`',
    examples: ['/var/haproxy/stats.sock'],
  }),
  reload_command: optional(path).meta({
    ...originals,
    description: 'run by a shell. Its presence chooses this mode',
    otherwise: 'required with `do_reloads`',
    examples: ['systemctl reload haproxy'],
  }),
  do_writes: flag(true).meta({ ...originals, description: 'writes the file' }),
  do_socket: flag(true).meta({ ...originals, description: 'speaks to the socket' }),
  do_reloads: flag(true).meta({ ...originals, description: 'asks for reloads' }),
  do_checks: flag(false).meta({
    ...originals,
    description:
      'judges each file by a check of your own, in place of `haproxy -c`; needs the next two',
  }),
  check_command: optional(path).meta({
    ...originals,
    description: 'that check, run by a shell',
    examples: ['haproxy -c -f /etc/haproxy/candidate.cfg'],
  }),
  candidate_config_file_path: optional(path).meta({
    ...originals,
    description: 'where it finds the file',
    examples: ['/etc/haproxy/candidate.cfg'],
  }),
  state_file_path: optional(path).meta({
    ...originals,
    description:
      'what synapse remembers over its restarts; with it, where a new server would need a reload, one that left keeps its line, disabled, and returns without one',
    otherwise: 'none; managed: in `run_directory`',
    examples: ['/var/haproxy/synapse.state'],
  }),
  state_file_ttl: duration.prefault(86_400).meta({
    ...originals,
    description: 'how long such a line is kept',
    examples: ['7d'],
  }),
});

/**
 * The top-level `haproxy` section. Managed, when neither `reload_command` nor `do_reloads: false` is
 * given: synapse runs its own HAProxy. Otherwise the originals' rules say which paths are required.
 */
export const haproxySchema = settings.superRefine((config, context) => {
  const require = (key: keyof typeof config, because: string) => {
    if (config[key] !== undefined) return;
    context.addIssue({ code: 'custom', path: [key], message: `required ${because}` });
  };
  if (config.do_checks && !isManaged(config)) {
    require('check_command', 'when do_checks is true');
    require('candidate_config_file_path', 'when do_checks is true');
  }
  if (isManaged(config)) return;
  if (config.do_writes) require('config_file_path', 'when do_writes is true');
  if (config.do_reloads) require('reload_command', 'when do_reloads is true');
  if (config.do_socket) require('socket_file_path', 'when do_socket is true');
});

export type HaproxyConfig = z.output<typeof haproxySchema>;

/** Whether synapse runs HAProxy itself, rather than telling another's to reload. */
export function isManaged(config: {
  readonly reload_command?: string | undefined;
  readonly do_reloads: boolean;
}): boolean {
  return config.reload_command === undefined && config.do_reloads;
}
