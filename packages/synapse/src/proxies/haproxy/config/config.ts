import { duration } from '@smartstack/daemon';
import { z } from 'zod';

import { serverKeywords } from './keywords.ts';
import { lines, singleLine } from './lines.ts';

const path = singleLine.pipe(z.string().min(1));
const flag = (value: boolean) => z.boolean().default(value);
const port = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^\d{1,5}$/)
      .transform(Number),
  ])
  .pipe(z.int().min(1).max(65_535));

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
  disabled: flag(false),
  port: port.nullable().optional(),
  bind_address: optional(singleLine),
  bind_options: optional(singleLine),
  server_options: optional(template),
  frontend: optional(lines),
  backend: optional(lines),
  listen: optional(lines),
  backend_name: optional(
    z.string().regex(/^[A-Za-z0-9_.:-]+$/, {
      error: 'expected a HAProxy proxy name: letters, digits and ._:-',
    }),
  ),
  backend_order: z.enum(['shuffle', 'asc', 'desc', 'no_shuffle']).default('shuffle'),
  shared_frontend: optional(lines),
  cookie_value_method: z.enum(['name', 'hash']).default('name'),
  use_nerve_weights: optional(z.boolean()),
  server_port_override: optional(port),
  /** How long a leaving server may finish its connections. */
  drain_timeout: optional(duration),
});

export type HaproxyService = z.output<typeof haproxyServiceSchema>;

const settings = z.strictObject({
  global: optional(lines),
  defaults: optional(lines),
  extra_sections: z.record(singleLine, lines).default({}),
  shared_frontend: optional(lines),
  bind_address: singleLine.default('localhost'),

  do_writes: flag(true),
  do_socket: flag(true),
  do_reloads: flag(true),
  do_checks: flag(false),
  check_command: optional(path),
  candidate_config_file_path: optional(path),
  config_file_path: optional(path),
  reload_command: optional(path),
  socket_file_path: optional(z.union([path, z.array(path).min(1)])),
  restart_interval: duration.default(2_000),
  /** A share of `restart_interval` that is added at random. */
  restart_jitter: z.number().min(0).max(100).default(0),
  state_file_path: optional(path),
  state_file_ttl: duration.default(86_400_000),
  server_order_seed: optional(z.int()),
  /** Server ids are hashes, the same on every machine: a small range makes them collide. */
  max_server_id: z.int().min(1).max(2_147_483_647).default(268_435_455),
  use_nerve_weights: flag(false),

  /** The HAProxy program: a path, or a name to find in PATH. */
  binary: path.default('haproxy'),
  /** Where a managed HAProxy has its sockets, lock, file and log; what fits the user when absent. */
  run_directory: optional(path),
  /** What becomes of a managed HAProxy when synapse ends. */
  on_exit: z.enum(['keep', 'stop']).default('keep'),
  drain_timeout: duration.default(10_000),
  check_timeout: duration.default(10_000),
  reload_timeout: duration.default(15_000),
  /** How long an old worker may finish its connections after a reload. */
  hard_stop_after: duration.default(600_000),
  max_old_workers: z.int().min(1).max(100).default(3),
  audit_interval: duration.default(30_000),
  /** Connections of a managed HAProxy; what the descriptor limit allows when absent. */
  maxconn: optional(z.int().min(10)),
  /** Where the stats page and the Prometheus exporter listen (managed mode); false for nowhere. */
  stats_address: z.union([z.literal(false), singleLine]).default('127.0.0.1:9101'),
  /** A syslog address for HAProxy's own log lines; they go to the log file when absent. */
  syslog: optional(singleLine),
  /** Which server keywords the registry may set: the default list, none, or this list. */
  registry_server_options: z
    .union([
      z.enum(['allow', 'deny']),
      z.array(
        z.string().refine((word) => serverKeywords.has(word), {
          error: 'expected a keyword of a HAProxy server line',
        }),
      ),
    ])
    .default('allow'),
  /** Whether the parent znode's generator data may hold raw HAProxy lines. */
  trust_registry_config: flag(false),
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
