import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

import { type Log, messageOf } from '@smartstack/daemon';

import {
  type Connection,
  type Credentials,
  openConnection,
  SessionExpired,
  shown,
} from './connection.ts';
import { createDialer } from './dialer.ts';
import { untilSilent } from './heartbeat.ts';
import type { Measures } from './measures.ts';
import type { Settings } from './options.ts';
import type { States } from './states.ts';

/** Keeps one session's connection up, and decides what its state is. */
export interface Link {
  /** Connects again and again until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  readonly connection: Connection | undefined;
  readonly credentials: Credentials | undefined;
  /** The granted session timeout, or the one asked for before the first connection, in milliseconds. */
  readonly timeout: number;
  /** Why the last attempt or connection ended. */
  readonly failure: Error | undefined;
  isFormer(session: bigint): boolean;
}

export interface LinkOptions {
  readonly settings: Settings;
  readonly states: States;
  readonly measures: Measures;
  readonly log: Log;
  /** Aborted when the session is about to end: a connection that ends then is no trouble. */
  readonly leaving: AbortSignal;
  /** Called with each new connection before the session counts as connected; `fresh` with a new session. */
  prepare(connection: Connection, fresh: boolean): Promise<void>;
  onUp(connection: Connection): void;
}

/** A session that no server took back for so many timeouts is given up, zxid and all. */
const giveUpAfter = 3;

export function createLink({
  settings,
  states,
  measures,
  log,
  leaving,
  prepare,
  onUp,
}: LinkOptions): Link {
  const dialer = createDialer(settings.hosts);
  const former = new Set<bigint>();
  let credentials = settings.resume;
  let timeout = settings.timeout;
  let connection: Connection | undefined;
  let failure: Error | undefined;
  let fresh = true;

  function lose(reason: string) {
    if (states.present !== 'suspended') return;
    states.move('lost');
    measures.lost();
    log.warn({ reason }, 'zookeeper session lost');
  }

  function forget(reason: string) {
    if (credentials) former.add(credentials.id.readBigInt64BE());
    credentials = undefined;
    fresh = true;
    lose(reason);
  }

  /** The two deadlines of an outage, counted from the last byte that came in. */
  async function judge(since: number, signal: AbortSignal) {
    const until = async (rounds: number) => {
      await sleep(Math.max(0, since + rounds * timeout - performance.now()), undefined, { signal });
      await nextTurn();
      return !signal.aborted;
    };
    if (await until(1)) lose('no connection within the session timeout');
    if (await until(giveUpAfter)) forget('no server took the session back');
  }

  async function attempt(signal: AbortSignal): Promise<Connection | undefined> {
    const resumed = credentials;
    if (states.present === 'idle' || states.present === 'lost') states.move('connecting');
    try {
      const address = await dialer.next(timeout, signal);
      return await openConnection(
        {
          address,
          credentials,
          timeout: settings.timeout,
          handshake: dialer.patience(timeout),
          auth: settings.auth,
          tls: settings.tls,
        },
        signal,
      );
    } catch (error) {
      if (signal.aborted) return undefined;
      const expired = error instanceof SessionExpired;
      measures.connection(expired ? 'expired' : 'failed');
      if (expired && resumed) {
        forget(error.message);
        dialer.reset();
        await nextTurn();
        return undefined;
      }
      const reason = messageOf(error);
      if (reason !== failure?.message) log.warn({ reason }, 'cannot connect to zookeeper');
      failure = error instanceof Error ? error : new Error(reason);
      return undefined;
    }
  }

  async function serve(opened: Connection, signal: AbortSignal) {
    const since = performance.now();
    const heart = untilSilent(opened, opened.gone).then(() =>
      opened.destroy(new Error(`${opened.server} was silent`)),
    );
    const stop = () => opened.destroy(new Error('the session was closed'));
    signal.addEventListener('abort', stop, { once: true });
    await prepare(opened, fresh);
    if (!opened.gone.aborted) up(opened);
    await heart;
    signal.removeEventListener('abort', stop);
    if (performance.now() - since >= timeout) dialer.reset();
  }

  function up(opened: Connection) {
    connection = opened;
    fresh = false;
    failure = undefined;
    states.move('connected');
    measures.connection('opened');
    log.info(
      { server: opened.server, session: shown(opened.credentials()) },
      'zookeeper connected',
    );
    onUp(opened);
  }

  function down(closed: Connection) {
    connection = undefined;
    credentials = closed.credentials();
    failure = closed.gone.reason as Error;
    if (states.present === 'connected' && !leaving.aborted) {
      states.move('suspended');
      log.warn({ reason: failure.message }, 'zookeeper connection lost');
    }
  }

  return {
    async run(signal) {
      let outage = new AbortController();
      let since = performance.now();
      let judged = judge(since, outage.signal).catch(() => {});
      while (!signal.aborted) {
        const opened = await attempt(signal);
        if (!opened) continue;
        outage.abort();
        await judged;
        credentials = opened.credentials();
        timeout = opened.timeout;
        // A user's own log or metrics may throw; that must not end the session's life.
        await serve(opened, signal).catch((error) => opened.destroy(new Error(messageOf(error))));
        down(opened);
        outage = new AbortController();
        since = opened.lastInbound();
        judged = judge(since, outage.signal).catch(() => {});
      }
      outage.abort();
      await judged;
    },
    get connection() {
      return connection;
    },
    get credentials() {
      return connection?.credentials() ?? credentials;
    },
    get timeout() {
      return timeout;
    },
    get failure() {
      return failure;
    },
    isFormer: (session) => former.has(session),
  };
}
