import { duration, portKey as port } from '@smartstack/daemon';
import { z } from 'zod';

import type { Traffic } from '../policy/traffic.ts';
import { lines, singleLine } from './lines.ts';
import { flag, isProxyName, optional } from './values.ts';

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

/** The section as it is used: `traffic` is what the service's policy adds, which no file says here. */
export type HaproxyService = z.output<typeof haproxyServiceSchema> & {
  readonly traffic?: Traffic;
};
