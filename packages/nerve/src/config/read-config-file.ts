import { readSource, type Source } from '@smartstack/daemon';

/** Keys with values for a proxy or a shell, which have variables of their own. */
const foreign: ReadonlySet<string> = new Set(['haproxy_server_options', 'command']);

/** Reads one of nerve's files, with `${NAME}` filled in from the environment. */
export function readConfigFile(file: string): Promise<Source> {
  return readSource(file, {
    environment: process.env,
    erb: false,
    isForeign: (keys) => foreign.has(keys.at(-1) ?? ''),
  });
}
