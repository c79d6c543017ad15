import {
  ConfigError,
  inheritDefaults,
  readSourceWithServices,
  type Source,
  validate,
  withoutInherited,
} from '@smartstack/daemon';
import type { z } from 'zod';

import { conflicts } from './conflicts.ts';
import { configKeys } from './schema.ts';

/** synapse's configuration as it is written. */
export const configSchema = configKeys.superRefine((config, context) => {
  for (const [path, message] of conflicts(config))
    context.addIssue({ code: 'custom', path: [...path], message });
});

export type SynapseConfig = z.output<typeof configSchema>;
export type ServiceConfig = SynapseConfig['services'][string];

/** A valid configuration and where its parts were written. */
export interface LoadedConfig {
  readonly config: SynapseConfig;
  readonly source: Source;
}

/**
 * Reads synapse's file and its `service_conf_dir`, whose files `read` may read another way; throws a
 * `ConfigError` that lists every problem.
 */
export async function loadConfig(
  file: string,
  read?: (file: string) => Promise<Source | undefined>,
): Promise<LoadedConfig> {
  const source = inheritDefaults(await readSourceWithServices(file, read), inherits);
  try {
    return { config: validate(configSchema, source), source };
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(withoutInherited(error.problems)) : error;
  }
}

/** A section that makes a service be proxied is not made of defaults alone, nor a discovery of two methods. */
function inherits(key: string, own: unknown, shared: unknown): boolean {
  if (key === 'haproxy') return own !== undefined;
  const method = (discovery: unknown) => (discovery as { method?: unknown } | undefined)?.method;
  return key !== 'discovery' || [undefined, method(shared)].includes(method(own) as undefined);
}
