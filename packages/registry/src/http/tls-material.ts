import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

import { type Log, readRegularFile } from '@smartstack/daemon';

import type { TlsSection } from '../tls.ts';
import { createFromFiles } from './from-files.ts';

/** What a TLS connection is made with; another object once something of it has changed. */
export interface TlsMaterial {
  readonly secureContext: SecureContext;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** PEM texts, and whom to expect. */
export interface TlsTexts {
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  readonly serverName?: string | undefined;
  readonly insecure?: boolean | undefined;
}

/** Throws where a text is no PEM, or the key is not the certificate's. */
export function tlsMaterialOf({ ca, cert, key, serverName, insecure }: TlsTexts): TlsMaterial {
  // OpenSSL takes a text without any certificate for none at all.
  if (ca) expectCertificate(ca);
  return {
    secureContext: createSecureContext({
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
    }),
    ...(serverName !== undefined && { servername: serverName }),
    rejectUnauthorized: !insecure,
  };
}

/** The material of a `tls` section, whose files are read again when they change. */
export function createTlsFiles(
  section: TlsSection,
  log: Log,
  pause?: number,
): () => Promise<TlsMaterial> {
  const { ca, cert, key, server_name: serverName, insecure } = section;
  return createFromFiles({
    files: [ca, cert, key].filter((file) => file !== undefined),
    what: 'certificates',
    log,
    pause,
    make: async () => {
      const [authority, own, secret] = await Promise.all([ca, cert, key].map(read));
      return named([ca, cert, key], () =>
        tlsMaterialOf({ ca: authority, cert: own, key: secret, serverName, insecure }),
      );
    },
  });
}

const limit = 4 * 1024 * 1024;

const read = async (file: string | undefined) =>
  file === undefined ? undefined : readRegularFile(file, { limit });

function expectCertificate(pem: Buffer): void {
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw new Error('no certificate in PEM form', { cause: error });
  }
}

/** OpenSSL's errors name no file. */
function named<T>(files: readonly (string | undefined)[], make: () => T): T {
  try {
    return make();
  } catch (error) {
    const names = files.filter((file) => file !== undefined).join(', ');
    throw new Error(`cannot use ${names}: ${(error as Error).message}`, { cause: error });
  }
}
