import { createSecureContext } from 'node:tls';

import { judgeAuthority, messageOf, UserError } from '@smartstack/daemon';

import { type Host, parseHost } from '../connection/address.ts';
import type { Credentials } from '../connection/credentials.ts';
import type { HandedOff, SessionOptions, TlsOptions } from '../contract.ts';
import { pathProblem } from '../path.ts';
import type { Tls } from '../wire/socket.ts';

/** A session's options, checked and with every default in place. */
export interface Settings {
  readonly hosts: readonly Host[];
  /** `''` for none. */
  readonly chroot: string;
  readonly timeout: number;
  readonly auth: { readonly scheme: string; readonly token: Buffer } | undefined;
  readonly tls: Tls | undefined;
  readonly inFlight: number;
  readonly resyncInterval: number;
  readonly resume: Credentials | undefined;
}

/** Throws `UserError` with what is wrong. */
export function settingsOf(options: SessionOptions): Settings {
  const { hosts, chroot = '/', timeout = 10_000, auth, inFlight = 512, resume } = options;
  const { resyncInterval = 3_600_000 } = options;
  if (hosts.length === 0) throw new UserError('cannot connect to ZooKeeper: no hosts are given');
  const problem = pathProblem(chroot);
  if (problem) throw new UserError(`cannot use ZooKeeper chroot "${chroot}": ${problem}`);
  positive({ timeout, inFlight, resyncInterval });
  return {
    hosts: hosts.map(parseHost),
    chroot: chroot === '/' ? '' : chroot,
    timeout,
    auth: auth && { scheme: auth.scheme, token: Buffer.from(`${auth.user}:${auth.password}`) },
    tls: options.tls && tlsOf(options.tls),
    inFlight,
    resyncInterval,
    resume: resume && credentialsOf(resume),
  };
}

/** A session as the next process gets it. */
export function handedOff(
  credentials: Credentials | undefined,
  paths: readonly string[],
): HandedOff {
  return {
    sessionId: credentials?.id.toString('hex') ?? '',
    password: credentials?.password.toString('hex') ?? '',
    paths,
  };
}

/** Nothing to resume where no session had been opened, or where the text is not one that we wrote. */
function credentialsOf({ sessionId, password }: HandedOff): Credentials | undefined {
  if (!/^[0-9a-f]{16}$/.test(sessionId) || !/^[0-9a-f]{32}$/.test(password)) return undefined;
  return {
    id: Buffer.from(sessionId, 'hex'),
    password: Buffer.from(password, 'hex'),
    zxid: Buffer.alloc(8),
  };
}

function positive(numbers: Readonly<Record<string, number>>) {
  for (const [name, value] of Object.entries(numbers))
    if (!(value > 0)) throw new UserError(`cannot use ${name} ${value}: it must be above 0`);
}

function tlsOf({ ca, cert, key, serverName, insecure = false }: TlsOptions): Tls {
  try {
    if (ca) judgeAuthority(ca);
    const secureContext = createSecureContext({
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
    });
    return { secureContext, serverName, insecure };
  } catch (error) {
    const what = cert || key ? 'certificate and key' : 'authority';
    throw new UserError(`cannot use the TLS ${what}: ${messageOf(error)}`, { cause: error });
  }
}
