import type { IncomingHttpHeaders } from 'node:http';

import type { Log } from '@smartstack/daemon';

import { createHttpClient } from '../http/client.ts';
import { createTlsFiles } from '../http/tls-material.ts';
import { createTokenFile } from '../http/token-file.ts';
import { addressOfConsul, type ConsulSection } from './section.ts';

export type Params = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What Consul answers a read with. */
export interface ConsulAnswer {
  readonly body: unknown;
  /** The newest change that the answer may hold; 0 where Consul said none. */
  readonly index: number;
}

export interface ConsulClient extends Disposable {
  /** Reads; rejects for another status than 200, and for an answer that Consul itself doubts. */
  get(
    path: string,
    params: Params,
    options: ReadOptions,
    signal: AbortSignal,
  ): Promise<ConsulAnswer>;
  put(path: string, params: Params, body: unknown, signal: AbortSignal): Promise<void>;
  /** The token that requests are made with now. */
  token(): Promise<string | undefined>;
  /** The last moment at which Consul did not answer or was in doubt, on `performance.now`'s clock. */
  lastUnhealthy(): number | undefined;
  /** Notes that Consul is in doubt now. */
  doubt(): void;
}

export interface ReadOptions {
  /** Answers only once the index is higher, or after `wait` milliseconds. */
  readonly index?: number;
  readonly wait?: number;
  /** How old an answer may be that no leader vouches for, in milliseconds. */
  readonly maxStale?: number;
}

/** For an answer that nothing delays, in milliseconds. */
const timeout = 10_000;
const mostBytes = 64 * 1024 * 1024;

export function createConsulClient(section: ConsulSection, log: Log): ConsulClient {
  const { token, token_file: file, tls, namespace: ns, partition } = section;
  const readToken = file === undefined ? async () => token : createTokenFile(file, log);
  const http = createHttpClient({
    ...addressOfConsul(section.url),
    tls: tls && createTlsFiles(tls, log),
    headers: async () => {
      const secret = await readToken();
      return secret === undefined ? {} : { 'x-consul-token': secret };
    },
  });
  let unhealthy: number | undefined;
  const doubt = () => {
    unhealthy = performance.now();
  };

  /** Notes each failure but that of a caller who has lost interest. */
  async function noted<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await request;
    } catch (error) {
      if (!signal.aborted) doubt();
      throw error;
    }
  }

  async function get(path: string, params: Params, options: ReadOptions, signal: AbortSignal) {
    const { index = 0, wait = 0, maxStale } = options;
    const blocking = index > 0 ? { index: `${index}`, wait: `${wait}ms` } : {};
    const { status, headers, body } = await http.json(
      {
        path: withParams(path, { ns, partition, ...params, ...blocking }),
        // Consul adds up to a sixteenth, so that a fleet does not return together.
        timeout: index > 0 ? wait + wait / 16 + timeout : timeout,
        maxBytes: mostBytes,
      },
      signal,
    );
    if (status !== 200) throw new Error(`cannot use the answer to ${path}: status ${status}`);
    const problem = doubtOf(headers, body, maxStale);
    if (problem !== undefined) throw new Error(`cannot use the answer to ${path}: ${problem}`);
    return { body, index: numberOf(headers['x-consul-index']) ?? 0 };
  }

  return {
    get: (path, params, options, signal) => noted(get(path, params, options, signal), signal),
    put: async (path, params, body, signal) => {
      const request = { method: 'PUT', path: withParams(path, { ns, partition, ...params }), body };
      await noted(http.json({ ...request, timeout, maxBytes: mostBytes }, signal), signal);
    },
    token: readToken,
    lastUnhealthy: () => unhealthy,
    doubt,
    [Symbol.dispose]: () => http[Symbol.dispose](),
  };
}

/** Why an answer is not to be believed, in Consul's own words; undefined where it is. */
function doubtOf(
  headers: IncomingHttpHeaders,
  body: unknown,
  maxStale = Number.POSITIVE_INFINITY,
): string | undefined {
  if (`${headers['x-consul-knownleader']}`.toLowerCase() === 'false') return 'Consul has no leader';
  const age = numberOf(headers['x-consul-lastcontact']) ?? 0;
  if (age > maxStale) return `its server last heard of the leader ${age} ms ago`;
  const isFiltered = `${headers['x-consul-results-filtered-by-acls']}` === 'true';
  if (isFiltered && isEmpty(body)) return 'the token may not read it';
  return undefined;
}

function isEmpty(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.keys(body).length === 0;
}

function numberOf(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

function withParams(path: string, params: Params): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params))
    for (const each of typeof value === 'string' ? [value] : (value ?? [])) query.append(key, each);
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
