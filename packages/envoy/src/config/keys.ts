import { isRecord } from '@smartstack/daemon';
import type { ProxyConfig } from '@smartstack/proxy';
import { z } from 'zod';

import { type EnvoyConfig, type EnvoyService, envoySchema, envoyServiceSchema } from './config.ts';
import { managedNames } from './managed-keys.ts';

/** The top-level key as it is written. */
const written = z
  .union([z.literal(false), envoySchema])
  .optional()
  .meta({
    description:
      'the local Envoy. `false`: none, whatever services say; members are for `file_output` and the HTTP API',
    otherwise:
      'synapse runs one of its own (*managed*) once a service is served by Envoy; none where no service is',
    examples: [{ on_exit: 'stop' }],
  });

const none = { managed: false, xds: { socket: false } };

/** The same as it is read: `false` is short for telling nobody. */
const read = z
  .preprocess((value, context) => {
    for (const key of unused(value))
      context.addIssue({ code: 'custom', path: [key], message: unusedText });
    return value === false ? none : value;
  }, envoySchema)
  .optional();

const unusedText =
  'is for an Envoy that synapse runs, and managed is false; remove it, or managed: false';

/** The keys of a section that mean nothing there. */
function unused(section: unknown): readonly string[] {
  if (!isRecord(section) || section.managed !== false) return [];
  return managedNames.filter((key) => section[key] !== undefined);
}

const service = envoyServiceSchema.optional().meta({
  description: 'how Envoy serves it, beside `port`, `protocol` and `policy`',
  otherwise: 'served by Envoy only where `proxy` says so',
  examples: [{ drain_timeout: '1m' }],
});

/** Envoy's keys in synapse's files. */
export const keys: ProxyConfig<EnvoyConfig, EnvoyService>['keys'] = { written, read, service };
