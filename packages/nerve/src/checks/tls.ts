import { resolve } from 'node:path';
import { type ConnectionOptions, createSecureContext } from 'node:tls';

import { judgeAuthority, messageOf, readRegularFileSync } from '@smartstack/daemon';
import { z } from 'zod';

import { hostKey } from './check.ts';

/** The TLS keys of a check; files are PEM, relative ones from the configuration's folder. */
export const tlsKeys = {
  ca: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: "PEM file of who signed the server's certificate",
      otherwise: 'the authorities that Node.js knows',
      examples: ['/etc/ssl/internal-ca.pem'],
    }),
  cert: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'PEM file of the certificate that the check shows for itself',
      examples: ['client.pem'],
    }),
  key: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "PEM file of that certificate's key", examples: ['client.key'] }),
  server_name: hostKey.optional().meta({
    description: 'the name that is asked for (SNI) and that the certificate must carry',
    otherwise: 'the host',
    examples: ['web.example.com'],
  }),
};

/** Whether a check uses TLS, and which certificates it accepts. */
export const sslKeys = {
  ssl: z.boolean().default(false).meta({ description: 'speaks TLS' }),
  insecure: z.boolean().default(false).meta({ description: 'accepts any certificate' }),
};

interface TlsConfig {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly server_name?: string | undefined;
  readonly insecure: boolean;
}

/** The options for `node:tls`; throws when a file cannot be read, or has no certificate or key. */
export function tlsOptionsOf(config: TlsConfig, directory: string): ConnectionOptions {
  const { ca, cert, key, server_name: servername, insecure } = config;
  const files = Object.entries({ ca, cert, key }).flatMap(([option, file]) =>
    file === undefined ? [] : [[option, read(option, resolve(directory, file))] as const],
  );
  checkFiles(Object.fromEntries(files));
  return {
    rejectUnauthorized: !insecure,
    ...(servername !== undefined && { servername }),
    ...Object.fromEntries(files),
  };
}

/** OpenSSL decides whether these are certificates, and whether the key belongs to one. */
function checkFiles(files: Readonly<Record<string, Buffer>>): void {
  try {
    if (files.ca) judgeAuthority(files.ca);
    createSecureContext(files);
  } catch (error) {
    throw new Error(`cannot use ${Object.keys(files).join(', ')}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function read(option: string, file: string): Buffer {
  try {
    return readRegularFileSync(file, { limit: 1_048_576 });
  } catch (error) {
    throw new Error(`cannot read ${option}: ${messageOf(error)}`, { cause: error });
  }
}
