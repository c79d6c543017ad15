import { messageOf } from '@smartstack/daemon';
import type { RegistryKeys } from '@smartstack/proxy';

import { type EnvoyConfig, envoyServiceSchema } from './config.ts';

/** The keys that can only choose among what Envoy was going to do anyway. */
const harmless: ReadonlySet<string> = new Set(['drain_timeout']);

/** Nothing else is taken from a registry; what is for the whole fleet is said by its policy. */
export const registryKeys: RegistryKeys<EnvoyConfig> = {
  description: 'Of `envoy` only `drain_timeout` is taken',
  isTrusted: () => false,
  parse: (key, value) => {
    const { shape } = envoyServiceSchema;
    if (!Object.hasOwn(shape, key)) return { reason: 'unknown key' };
    if (!harmless.has(key)) return { reason: 'not from the registry' };
    const parsed = shape[key as keyof typeof shape].safeParse(value);
    return parsed.success
      ? { value: parsed.data }
      : { reason: messageOf(parsed.error.issues[0]?.message) };
  },
  fix: 'set these in the service file',
  warnings: () => [],
};
