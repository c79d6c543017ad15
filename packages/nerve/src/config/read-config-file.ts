import { readSource, type Source } from '@smartstack/daemon';

/** Keys whose values a proxy or a shell reads, which know variables of their own. */
const foreign: ReadonlySet<string> = new Set(['haproxy_server_options', 'command']);

/** Reads one of nerve's files, with `${NAME}` filled in from the environment. */
export function readConfigFile(file: string): Promise<Source> {
  return readSource(file, {
    environment: process.env,
    erb: false,
    isForeign: (keys) => foreign.has(keys.at(-1) ?? ''),
  });
}
