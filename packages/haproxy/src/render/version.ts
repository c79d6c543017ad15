import { atLeast } from '@smartstack/proxy';

/** A HAProxy version and what it can do. */
export interface Capabilities {
  readonly version: string;
  /** Whether servers can be added and deleted at runtime. */
  readonly dynamic: boolean;
  /** Keywords that a server added at runtime may not have. */
  readonly refused: ReadonlySet<string>;
}

/** The oldest HAProxy whose file and sockets are known to work: the reply markers and `show env` as used here. */
export const oldest = '2.2';

/** Measured on 2.6.12, 3.0.11 and 3.2.26: what `add server` answers "not accepted for dynamic server". */
const refusedBy26 = [
  'cookie',
  'disabled',
  'enabled',
  'init-addr',
  'log-proto',
  'max-reuse',
  'namespace',
  'no-check',
  'no-check-ssl',
  'non-stick',
  'redir',
  'resolve-net',
  'resolve-opts',
  'resolve-prefer',
  'resolvers',
  'socks4',
  'ssl-reuse',
  'stick',
  'tcp-ut',
  'track',
];
const acceptedBy30 = ['cookie'];

/** What a version can do; text as in `haproxy -v` or `show info`, such as `2.6.12-1+deb12u4`. */
export function capabilitiesOf(text: string): Capabilities {
  const version = /\d+\.\d+[^\s]*/.exec(text)?.[0] ?? '0.0';
  const accepted = new Set(atLeast(version, '3.0') ? acceptedBy30 : []);
  return {
    version,
    dynamic: atLeast(version, '2.6'),
    refused: new Set(refusedBy26.filter((keyword) => !accepted.has(keyword))),
  };
}
