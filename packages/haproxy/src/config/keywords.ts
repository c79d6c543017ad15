/** What may follow a keyword of a server line. */
export type Shape = (value: string) => boolean;

const whole =
  (from: number, to: number): Shape =>
  (value) =>
    /^\d{1,10}$/.test(value) && Number(value) >= from && Number(value) <= to;
const oneOf =
  (...values: readonly string[]): Shape =>
  (value) =>
    values.includes(value);
const token: Shape = (value) => /^[A-Za-z0-9_.:,/@+=()*[\]-]{1,256}$/.test(value);

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** From 1 ms to 1 day: beyond that HAProxy refuses zero or overflows. */
const time: Shape = (value) => {
  const [, digits, unit = 'ms'] = /^(\d{1,8})(ms|s|m|h)?$/.exec(value) ?? [];
  if (digits === undefined) return false;
  const milliseconds = Number(digits) * (units[unit] ?? 1);
  return milliseconds >= 1 && milliseconds <= 86_400_000;
};

/** Server keywords that stand alone; those from https://docs.haproxy.org/2.6/configuration.html#5.2 and 3.0. */
const flags = [
  'agent-check',
  'allow-0rtt',
  'backup',
  'check',
  'check-send-proxy',
  'check-ssl',
  'check-via-socks4',
  'disabled',
  'enabled',
  'force-sslv3',
  'force-tlsv10',
  'force-tlsv11',
  'force-tlsv12',
  'force-tlsv13',
  'no-agent-check',
  'no-backup',
  'no-check',
  'no-check-ssl',
  'no-send-proxy',
  'no-send-proxy-v2',
  'no-send-proxy-v2-ssl',
  'no-send-proxy-v2-ssl-cn',
  'no-ssl',
  'no-ssl-reuse',
  'no-sslv3',
  'no-tfo',
  'no-tls-tickets',
  'no-tlsv10',
  'no-tlsv11',
  'no-tlsv12',
  'no-tlsv13',
  'non-stick',
  'send-proxy',
  'send-proxy-v2',
  'send-proxy-v2-ssl',
  'send-proxy-v2-ssl-cn',
  'ssl',
  'ssl-reuse',
  'stick',
  'strict-maxconn',
  'tfo',
  'tls-tickets',
] as const;

const exact: Readonly<Record<string, Shape>> = {
  'agent-inter': time,
  'agent-port': whole(1, 65_535),
  downinter: time,
  'error-limit': whole(1, 1_000_000),
  fall: whole(1, 1000),
  fastinter: time,
  id: whole(1, 2_147_483_647),
  inter: time,
  maxconn: whole(0, 1_000_000),
  maxqueue: whole(0, 1_000_000),
  minconn: whole(0, 1_000_000),
  observe: oneOf('layer4'),
  'on-error': oneOf('fastinter', 'fail-check', 'sudden-death', 'mark-down'),
  'on-marked-down': oneOf('shutdown-sessions'),
  'on-marked-up': oneOf('shutdown-backup-sessions'),
  'pool-max-conn': whole(0, 1_000_000),
  'pool-purge-delay': time,
  port: whole(1, 65_535),
  rise: whole(1, 1000),
  slowstart: time,
  verify: oneOf('none', 'required'),
  weight: whole(0, 256),
};

const others = [
  'addr',
  'agent-addr',
  'agent-send',
  'alpn',
  'ca-file',
  'check-alpn',
  'check-proto',
  'check-sni',
  'ciphers',
  'ciphersuites',
  'cookie',
  'crl-file',
  'crt',
  'curves',
  'guid',
  'hash-key',
  'idle-ping',
  'init-addr',
  'init-state',
  'interface',
  'log-bufsize',
  'log-proto',
  'max-reuse',
  'namespace',
  'npn',
  'pool-low-conn',
  'proto',
  'proxy-v2-options',
  'redir',
  'resolve-net',
  'resolve-opts',
  'resolve-prefer',
  'resolvers',
  'shard',
  'sni',
  'socks4',
  'source',
  'ssl-max-ver',
  'ssl-min-ver',
  'tcp-ut',
  'track',
  'usesrc',
  'verifyhost',
  'ws',
] as const;

/** Every keyword of a server line: null for one that stands alone, else the shape of its one value. */
export const serverKeywords: ReadonlyMap<string, Shape | null> = new Map<string, Shape | null>([
  ...flags.map((keyword) => [keyword, null] as const),
  ...others.map((keyword) => [keyword, token] as const),
  ...Object.entries(exact),
]);

/**
 * What anybody who can write to the registry may set on the own server. None of these can make a
 * file invalid, reach another address, weaken TLS or concern another server.
 */
export const harmlessKeywords: ReadonlySet<string> = new Set([
  'backup',
  'check',
  'downinter',
  'error-limit',
  'fall',
  'fastinter',
  'inter',
  'maxconn',
  'maxqueue',
  'minconn',
  'observe',
  'on-error',
  'on-marked-down',
  'on-marked-up',
  'port',
  'rise',
  'send-proxy',
  'send-proxy-v2',
  'slowstart',
  'weight',
]);
