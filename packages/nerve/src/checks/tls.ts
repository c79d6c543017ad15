import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConnectionOptions } from 'node:tls';

import { messageOf } from '@smartstack/daemon';
import { z } from 'zod';

import { hostKey } from './check.ts';

/** How a check speaks TLS; files are PEM. */
export const tlsKeys = {
  /** Who signed the server's certificate, instead of the authorities that Node.js knows. */
  ca: z.string().min(1).optional(),
  /** What the check shows for itself. */
  cert: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
  /** The name that is asked for (SNI) and that the certificate must carry; the host when absent. */
  server_name: hostKey.optional(),
};

interface TlsConfig {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly server_name?: string | undefined;
  readonly insecure: boolean;
}

/** What `node:tls` is to be told; throws when a file cannot be read. */
export function tlsOptionsOf(config: TlsConfig, directory: string): ConnectionOptions {
  const { ca, cert, key, server_name: servername, insecure } = config;
  const files = Object.entries({ ca, cert, key }).flatMap(([option, file]) =>
    file === undefined ? [] : [[option, read(option, resolve(directory, file))]],
  );
  return {
    rejectUnauthorized: !insecure,
    ...(servername !== undefined && { servername }),
    ...Object.fromEntries(files),
  };
}

function read(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`cannot read ${option}: ${messageOf(error)}`, { cause: error });
  }
}
