import type { IncomingHttpHeaders } from 'node:http';

import type { Log } from '@smartstack/daemon';

import { createHttpClient } from '../http/client.ts';
import { HttpError } from '../http/error.ts';
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
  /** Whether it asks for nothing: then an empty answer is none that the token may not read. */
  readonly mayBeEmpty?: boolean;
}

/** For an answer that nothing delays, in milliseconds. */
const timeout = 10_000;
/** After a failure without a success it counts as away for so long: it is asked again more often, if anybody asks. */
const awayFor = 15_000;
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
  let isAway = false;
  const doubt = () => {
    unhealthy = performance.now();
  };
  function lastUnhealthy(): number | undefined {
    const now = performance.now();
    return isAway && now - (unhealthy ?? now) < awayFor ? now : unhealthy;
  }

  /** Notes each failure but that of a caller who has lost interest. */
  async function noted<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      const answer = await request;
      isAway = false;
      return answer;
    } catch (error) {
      if (signal.aborted) throw error;
      isAway = !isRefusal(error);
      if (isAway) doubt();
      throw error;
    }
  }

  async function get(path: string, params: Params, options: ReadOptions, signal: AbortSignal) {
    const { index = 0, wait = 0, maxStale, mayBeEmpty = false } = options;
    const blocking = index > 0 ? { index: `${index}`, wait: `${wait}ms` } : {};
    const { status, headers, body } = await http.json(
      {
        path: withParams(path, { ns, partition, ...params, ...blocking }),
        // Consul adds up to a sixteenth, so that a fleet does not return together.
        timeout: index > 0 ? wait + wait / 16 + Math.min(timeout, 2 * wait) : timeout,
        maxBytes: mostBytes,
      },
      signal,
    );
    if (status !== 200) throw new Error(`cannot use the answer to ${path}: status ${status}`);
    if (!mayBeEmpty && isHidden(headers, body))
      throw new Refused(`cannot use the answer to ${path}: the token may not read it`);
    const problem = doubtOf(headers, maxStale);
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
    lastUnhealthy,
    doubt,
    [Symbol.dispose]: () => http[Symbol.dispose](),
  };
}

class Refused extends Error {}

/** Whether Consul is well, and says no to this question: to its token or its filter. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof HttpError)) return error instanceof Refused;
  const { status, body } = error;
  if (status === 500) return body.includes('boolean expression');
  return status >= 400 && status < 500 && status !== 429;
}

/** Why an answer is not to be believed, in Consul's own words; undefined where it is. */
function doubtOf(
  headers: IncomingHttpHeaders,
  maxStale = Number.POSITIVE_INFINITY,
): string | undefined {
  if (`${headers['x-consul-knownleader']}`.toLowerCase() === 'false') return 'Consul has no leader';
  const age = numberOf(headers['x-consul-lastcontact']) ?? 0;
  if (age > maxStale) return `its server last heard of the leader ${age} ms ago`;
  return undefined;
}

/** Whether Consul says that there is more, and shows nothing. */
function isHidden(headers: IncomingHttpHeaders, body: unknown): boolean {
  if (`${headers['x-consul-results-filtered-by-acls']}` !== 'true') return false;
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
