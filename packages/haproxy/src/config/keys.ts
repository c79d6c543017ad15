import type { ProxyConfig } from '@smartstack/proxy';
import { z } from 'zod';

import {
  type HaproxyConfig,
  type HaproxyService,
  haproxySchema,
  haproxyServiceSchema,
} from './config.ts';

/** The top-level key as it is written. */
const written = z
  .union([z.literal(false), haproxySchema])
  .optional()
  .meta({
    description:
      'the local HAProxy. `false`: none, whatever services say; members are for `file_output` and the HTTP API',
    otherwise:
      'synapse runs one of its own (*managed*) once a service has a `haproxy` section; none where no service has',
    examples: [{ on_exit: 'stop' }],
  });

const none = { do_writes: false, do_socket: false, do_reloads: false };

/** The same as it is read: `false` is short for all of its `do_` keys being false. */
const read = z.preprocess((value) => (value === false ? none : value), haproxySchema).optional();

const service = haproxyServiceSchema.optional().meta({
  description: 'how apps reach it through the local proxy',
  otherwise: 'not proxied',
  examples: [{ port: 3213, server_options: 'check' }],
});

/** HAProxy's keys in synapse's files. */
export const keys: ProxyConfig<HaproxyConfig, HaproxyService>['keys'] = { written, read, service };

const foreign: ReadonlySet<string> = new Set([
  'frontend',
  'backend',
  'listen',
  'global',
  'defaults',
  'bind_options',
  'server_options',
  'haproxy_server_options',
  'reload_command',
  'check_command',
]);

/** Whether HAProxy or a shell reads the value at a path of keys, who know variables of their own. */
export function isForeign(path: readonly (string | number)[]): boolean {
  return foreign.has(String(path.at(-1))) || path.includes('extra_sections');
}
