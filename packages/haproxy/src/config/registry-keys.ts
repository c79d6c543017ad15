import { messageOf } from '@smartstack/daemon';
import type { RegistryKeys } from '@smartstack/proxy';

import { type HaproxyConfig, type HaproxyService, haproxyServiceSchema } from './config.ts';
import { warningOf } from './removed/warnings.ts';
import { sectionOf } from './section.ts';

/** The keys that can only choose among what HAProxy was going to do anyway. */
const harmless: ReadonlySet<string> = new Set([
  'backend_order',
  'cookie_value_method',
  'use_nerve_weights',
  'server_port_override',
  'drain_timeout',
]);

/** Raw lines and addresses are taken from the registry only where the configuration trusts it. */
export const registryKeys: RegistryKeys<HaproxyConfig> = {
  description:
    'Only `backend_order`, `cookie_value_method`, `use_nerve_weights`, `server_port_override` and `drain_timeout` are taken, unless the top level’s `haproxy.trust_registry_config` is true',
  isTrusted: (config) => sectionOf(config)?.trust_registry_config ?? false,
  parse: (key, value, isTrusted) => {
    const { shape } = haproxyServiceSchema;
    if (!Object.hasOwn(shape, key)) return { reason: 'unknown key' };
    if (!isTrusted && !harmless.has(key))
      return { reason: 'not from the registry (trust_registry_config)' };
    const parsed = shape[key as keyof typeof shape].safeParse(value);
    return parsed.success
      ? { value: parsed.data }
      : { reason: messageOf(parsed.error.issues[0]?.message) };
  },
  fix: 'set these in the service file, or trust_registry_config where all who write there may configure this HAProxy',
  warnings: (own) => {
    const { frontend, backend, listen, shared_frontend: shared } = own as Partial<HaproxyService>;
    return [frontend, backend, listen, shared].flatMap((lines = []) =>
      lines.flatMap((line) => warningOf(line) ?? []),
    );
  },
};
