import { readSource, type Source } from '@smartstack/daemon';

import { allProxies } from '../proxies.ts';

/**
 * Reads one of synapse's files, with `${NAME}` filled in from the environment, and the originals' ERB
 * tags that read it.
 */
export function readConfigFile(file: string): Promise<Source> {
  return readSource(file, {
    environment: process.env,
    erb: true,
    isForeign: (keys) => allProxies.some(({ config }) => config.isForeign(keys)),
  });
}
