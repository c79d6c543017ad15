import type { Capabilities } from './version.ts';
import { splitWords, startsWith } from './words.ts';

/** What follows from a backend's lines and the defaults that apply to it. */
export interface Traits {
  readonly http: boolean;
  /** Whether it persists by a cookie that servers must carry. */
  readonly cookies: boolean;
  /** Words of `default-server` lines: HAProxy gives them to the file's servers only. */
  readonly defaults: readonly string[];
  /** Servers that the user wrote: not synapse's. */
  readonly ownServers: ReadonlySet<string>;
  /** Why its servers cannot be added at runtime; undefined where they can. */
  readonly obstacle: string | undefined;
  /** Why their weights cannot be changed at runtime; undefined where they can. */
  readonly fixedWeights: string | undefined;
}

/** Reads a backend's traits; later lines and the backend's own win over `defaults`. */
export function traitsOf(
  backend: readonly string[],
  defaults: readonly string[],
  { serverOptions, capabilities }: { serverOptions: string; capabilities: Capabilities },
): Traits {
  const last = (keyword: string) => lastLine(keyword, backend, defaults);
  const http = last('mode')?.trim().toLowerCase().endsWith('http') ?? false;
  const cookies = http && last('cookie') !== undefined;
  const defaultServers = [...defaults, ...backend]
    .filter((line) => startsWith(line, 'default-server'))
    .map((line) => splitWords(line)?.slice(1));
  const words = [...defaultServers, splitWords(serverOptions)];
  const fixed = fixedBalance(backend, defaults);
  return {
    http,
    cookies,
    defaults: defaultServers.flatMap((part) => part ?? []),
    ownServers: serversIn(backend),
    obstacle:
      (fixed && `${fixed.balance} takes no new servers at runtime${fixed.unless}`) ??
      obstacleOfWords(words, cookies, capabilities),
    fixedWeights: fixed && `${fixed.balance} takes no other weights at runtime${fixed.unless}`,
  };
}

/** The line that counts. */
function lastLine(
  keyword: string,
  backend: readonly string[],
  defaults: readonly string[],
): string | undefined {
  const isIt = (line: string) => startsWith(line, keyword);
  return backend.findLast(isIt) ?? defaults.findLast(isIt);
}

/** The names in the `server` lines of a backend. */
function serversIn(backend: readonly string[]): ReadonlySet<string> {
  const lines = backend.filter((line) => startsWith(line, 'server'));
  return new Set(lines.map((line) => line.trim().split(/\s+/)[1] ?? ''));
}

/** A balance that is compiled into a fixed map, which only a reload makes anew. */
export interface FixedBalance {
  readonly balance: string;
  readonly unless: string;
}

/** The fixed balance of a backend with these lines; undefined where HAProxy takes changes at runtime. */
export function fixedBalance(
  backend: readonly string[],
  defaults: readonly string[],
): FixedBalance | undefined {
  const last = (keyword: string) => lastLine(keyword, backend, defaults);
  const balance = last('balance') ?? 'balance roundrobin';
  const algorithm = balance.trim().split(/\s+/)[1]?.toLowerCase() ?? 'roundrobin';
  if (/^(roundrobin|leastconn|first|random(\(.*\))?)$/.test(algorithm)) return undefined;
  if (algorithm === 'static-rr') return { balance: 'balance static-rr', unless: '' };
  if (/\sconsistent(\s|$)/.test(last('hash-type') ?? '')) return undefined;
  return { balance: `balance ${algorithm}`, unless: ' without hash-type consistent' };
}

function obstacleOfWords(
  parts: readonly (readonly string[] | undefined)[],
  cookies: boolean,
  { dynamic, refused, version }: Capabilities,
): string | undefined {
  if (!dynamic) return `HAProxy ${version} takes no new servers at runtime`;
  if (cookies && refused.has('cookie'))
    return `HAProxy ${version} takes no cookie of a server at runtime`;
  if (parts.includes(undefined))
    return 'server options with variables or escapes are for the file only';
  const keyword = parts.flatMap((words) => words ?? []).find((word) => refused.has(word));
  return keyword && `HAProxy ${version} takes no ${keyword} of a server at runtime`;
}
