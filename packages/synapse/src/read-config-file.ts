import { readSource, type Source } from '@smartstack/daemon';

/** Keys whose values HAProxy or a shell reads, which know variables of their own. */
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

/**
 * Reads one of synapse's files, with `${NAME}` filled in from the environment, and the originals' ERB
 * tags that read it.
 */
export function readConfigFile(file: string): Promise<Source> {
  return readSource(file, {
    environment: process.env,
    erb: true,
    isForeign: (keys) => foreign.has(keys.at(-1) ?? '') || keys.includes('extra_sections'),
  });
}
