import { setMaxListeners } from 'node:events';

import { createBackoff, type Log, type Metrics } from '@smartstack/daemon';
import type { TlsMaterial } from '../../http/tls-material.ts';
import { orAborted } from '../../or-aborted.ts';
import type { Method } from '../wire/messages.ts';
import { type Credentials, createAuth } from './auth.ts';
import { type Connection, type Metadata, openConnection } from './connection.ts';
import { EtcdError, isFinal, isForgotten } from './errors.ts';
import { createTrouble } from './trouble.ts';

/** Calls to whichever endpoint of a cluster answers, over one connection. */
export interface EtcdClient extends Disposable {
  /**
   * Calls a method, at other endpoints too where one does not answer: every request must be one that may be
   * carried out twice. Rejects with an `EtcdError`, or with the signal's reason.
   */
  call<Answer>(method: Method<Answer>, request: Buffer, options: CallOptions): Promise<Answer>;
  /** The present connection, or one to the next endpoint. */
  connection(): Promise<Connection>;
  /** Who we are, for a stream. */
  metadata(connection: Connection): Promise<Metadata>;
  /** Has the token asked for anew. */
  forget(metadata: Metadata): void;
  /** Gives a connection up, so that the next is to another endpoint. */
  giveUp(connection: Connection, reason: unknown): void;
  /** How many connections were made so far. */
  readonly connections: number;
  /** Notes trouble that no call shows, such as a cluster that went back in time. */
  noteTrouble(): void;
  lastUnhealthy(): number | undefined;
}

export interface CallOptions {
  /** What is done, for messages: `read /services/web/`. */
  readonly what: string;
  /** How long an endpoint may say nothing, in milliseconds. */
  readonly timeout?: number;
  readonly signal: AbortSignal;
}

export interface ClientOptions {
  /** URLs without a path. */
  readonly endpoints: readonly string[];
  readonly tls?: (() => Promise<TlsMaterial>) | undefined;
  readonly credentials?: Credentials | undefined;
  /** How long an endpoint may say nothing, in milliseconds. */
  readonly timeout?: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

const requests = {
  name: 'smartstack_etcd_requests_total',
  help: 'Requests sent to etcd, by method; those that were tried again count again',
  labels: ['method'],
} as const;

/** Nothing is opened before the first call. */
export function createEtcdClient(options: ClientOptions): EtcdClient {
  const { endpoints, tls, log, timeout: patience = 3_000 } = options;
  const disposed = new AbortController();
  setMaxListeners(0, disposed.signal);
  const auth = createAuth(options.credentials, { timeout: patience, signal: disposed.signal });
  const trouble = createTrouble(log);
  const counted = options.metrics.counter(requests);
  const backoff = createBackoff({ base: 100, max: 3_000 });
  let next = Math.floor(Math.random() * endpoints.length);
  let failed = 0;
  let connections = 0;
  let current: Connection | undefined;
  let dialing: Promise<Connection> | undefined;

  async function dial(): Promise<Connection> {
    // All endpoints have failed: whoever waits, waits for the same attempt.
    if (failed >= endpoints.length) await backoff.wait(disposed.signal);
    const endpoint = endpoints[next++ % endpoints.length] ?? '';
    try {
      const material = endpoint.startsWith('https:') ? await tls?.() : undefined;
      const dialled = { endpoint, tls: material, timeout: Math.min(patience, 2_000) };
      current = await openConnection(dialled, disposed.signal);
      connections += 1;
      return current;
    } catch (error) {
      failed += 1;
      trouble.begin(endpoint, error);
      throw new EtcdError('connect', endpoint, error);
    } finally {
      dialing = undefined;
    }
  }

  function connection(): Promise<Connection> {
    if (current?.isOpen) return Promise.resolve(current);
    dialing ??= dial();
    return dialing;
  }

  function giveUp(given: Connection, reason: unknown): void {
    given.close(reason);
    if (given !== current) return;
    current = undefined;
    if (disposed.signal.aborted) return;
    failed += 1;
    trouble.begin(given.endpoint, reason);
  }

  async function attempt<Answer>(
    method: Method<Answer>,
    request: Buffer,
    { what, timeout = patience, signal }: CallOptions,
  ): Promise<Answer> {
    const used = await connection();
    let metadata: Metadata = {};
    try {
      metadata = await auth.metadata(used);
      counted.inc({ method: method.path.slice(method.path.indexOf('/', 1) + 1) });
      const bytes = await used.call(method.path, request, { metadata, timeout, signal });
      const answer = method.read(bytes);
      failed = 0;
      backoff.reset();
      trouble.end(used.endpoint);
      return answer;
    } catch (error) {
      if (isForgotten(error)) auth.forget(metadata);
      else if (!signal.aborted && !isFinal(error)) giveUp(used, error);
      throw new EtcdError(what, used.endpoint, error);
    }
  }

  return {
    call: async (method, request, call) => {
      let forgotten = false;
      for (let left = endpoints.length; ; left -= 1) {
        call.signal.throwIfAborted();
        try {
          return await orAborted(attempt(method, request, call), call.signal);
        } catch (error) {
          call.signal.throwIfAborted();
          disposed.signal.throwIfAborted();
          const cause = (error as Error).cause;
          const isNew = isForgotten(cause) && options.credentials && !forgotten;
          if (isForgotten(cause)) forgotten = true;
          if (isNew) left += 1;
          else if (isFinal(cause) || left <= 0) throw error;
        }
      }
    },
    connection,
    metadata: auth.metadata,
    forget: auth.forget,
    giveUp,
    get connections() {
      return connections;
    },
    noteTrouble: trouble.note,
    lastUnhealthy: trouble.last,
    [Symbol.dispose]: () => {
      disposed.abort(new Error('closed'));
      current?.close();
    },
  };
}
