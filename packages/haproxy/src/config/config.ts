import { z } from 'zod';

import { managedKeys } from './managed-keys.ts';
import { originalKeys } from './original-keys.ts';
import { sharedKeys } from './shared-keys.ts';

export { type HaproxyService, haproxyServiceSchema } from './service-section.ts';

const settings = z.strictObject({ ...sharedKeys, ...managedKeys, ...originalKeys });

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
