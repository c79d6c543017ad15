import { type Log, messageOf, readRegularText, silentLog } from '@smartstack/daemon';

import { createFromFiles } from '../http/from-files.ts';
import { createTlsFiles } from '../http/tls-material.ts';
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
  const read = file === undefined ? async () => password : createPasswordFile(file, log);
  return {
    endpoints: endpoints.map((endpoint) => urlOf(endpoint, tls !== undefined)),
    prefix: section.prefix,
    ttl: section.lease_ttl,
    ...(tls && { tls: createTlsFiles(tls, log) }),
    ...(user !== undefined && { credentials: { user, password: read } }),
  };
}

/** A file's content without the end of its last line: a password may hold anything. */
const createPasswordFile = (file: string, log: Log) =>
  createFromFiles({
    files: [file],
    what: 'passwords',
    log,
    make: async () => (await readRegularText(file, { limit: 65_536 })).replace(/\r?\n$/, ''),
  });

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
