import { type Log, messageOf, silentLog } from '@smartstack/daemon';

import { createTlsFiles } from './client/tls-material.ts';
import { createTokenFile } from './client/token-file.ts';
import type { EtcdRegistryOptions } from './etcd.ts';
import { type EtcdSection, urlOf } from './section.ts';

type Options = Pick<EtcdRegistryOptions, 'endpoints' | 'prefix' | 'ttl' | 'tls' | 'credentials'>;

/** How to speak to these endpoints, by the section; its files are read when a connection is made. */
export function etcdOptionsOf(
  section: Partial<EtcdSection>,
  endpoints: readonly string[],
  log: Log,
): Options {
  const { user, password = '', password_file: file, tls } = section;
  const read = file === undefined ? async () => password : createTokenFile(file, log);
  return {
    endpoints: endpoints.map((endpoint) => urlOf(endpoint, tls !== undefined)),
    prefix: section.prefix,
    ttl: section.lease_ttl,
    ...(tls && { tls: createTlsFiles(tls, log) }),
    ...(user !== undefined && { credentials: { user, password: read } }),
  };
}

/** What is wrong with the files that a section names, by key; empty where all can be used. */
export async function etcdProblems(
  section: EtcdSection | undefined,
): Promise<readonly (readonly [path: readonly string[], message: string])[]> {
  if (!section) return [];
  const { tls, credentials } = etcdOptionsOf(section, section.endpoints, silentLog);
  const tried = async (key: string, read: (() => Promise<unknown>) | undefined) => {
    try {
      await read?.();
      return [];
    } catch (error) {
      return [[[key], messageOf(error)] as const];
    }
  };
  const all = [tried('tls', tls), tried('password_file', credentials?.password)];
  return (await Promise.all(all)).flat();
}
