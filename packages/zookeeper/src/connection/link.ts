import { setImmediate as nextTurn } from 'node:timers/promises';

import { type Log, messageOf } from '@smartstack/daemon';

import { onAbort } from '../abort.ts';
import type { Measures } from '../session/metrics.ts';
import type { Settings } from '../session/options.ts';
import type { States } from '../session/states.ts';
import type { Address } from './address.ts';
import {
  type Connection,
  type Credentials,
  openConnection,
  SessionExpired,
  shown,
  TurnedAway,
  Unanswered,
} from './connection.ts';
import { createDialer } from './dialer.ts';
import { untilSilent } from './heartbeat.ts';
import { startOutage } from './outage.ts';

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

export function createLink(options: LinkOptions): Link {
  const { settings, states, measures, log, leaving, prepare, onUp } = options;
  const dialer = createDialer(settings.hosts);
  const former = new Set<bigint>();
  /** What was logged since the last connection: several hosts fail in turn, each in its own way. */
  const complaints = new Set<string>();
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

  const outageSince = (since: number) =>
    startOutage({
      since,
      timeout,
      onLost: () => lose('no connection within the session timeout'),
      onGivenUp: () => forget('no server took the session back'),
    });

  async function attempt(signal: AbortSignal): Promise<Connection | undefined> {
    const resumed = credentials;
    if (states.present === 'idle' || states.present === 'lost') states.move('connecting');
    try {
      const address = await dialer.next(timeout, signal);
      return await open(address, resumed, signal).catch(async (error: unknown) => {
        if (resumed && error instanceof TurnedAway) await askWhether(address, resumed, signal);
        throw error;
      });
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof Unanswered) dialer.unanswered();
      if (error instanceof SessionExpired && resumed) await expire(error);
      else complain(error);
      return undefined;
    }
  }

  function open(address: Address, as: Credentials | undefined, signal: AbortSignal) {
    const { auth, tls, timeout: asked } = settings;
    const handshake = dialer.patience(timeout);
    return openConnection(
      { address, credentials: as, timeout: asked, handshake, auth, tls },
      signal,
    );
  }

  /**
   * Rejects with `SessionExpired` where a server that turned the session away does not know it. One that is
   * behind what the session has seen turns it away without a word, be it late or rebuilt from nothing: asked
   * as one that has seen nothing, it answers, and has the session's end from its leader. One that knows it is
   * late, and not gone on with: what it shows was before what is known.
   */
  async function askWhether(address: Address, resumed: Credentials, signal: AbortSignal) {
    const unseen = { ...resumed, zxid: Buffer.alloc(8) };
    const known = await open(address, unseen, signal).catch((error: unknown) => {
      if (error instanceof SessionExpired) throw error;
      return undefined;
    });
    known?.destroy(new Error(`${known.server} is behind what the session has seen`));
  }

  /** Says once that the session is lost, so that whoever watches the states can see it, and starts anew. */
  async function expire(error: SessionExpired) {
    measures.connection('expired');
    forget(error.message);
    dialer.reset();
    await nextTurn();
  }

  function complain(error: unknown) {
    const reason = messageOf(error);
    measures.connection('failed');
    if (!complaints.has(reason))
      log.warn(
        {
          reason,
          fix: 'it is tried again; on every machine at once see to the ensemble, else to network and credentials',
        },
        'cannot connect to zookeeper',
      );
    complaints.add(reason);
    failure = error instanceof Error ? error : new Error(reason);
  }

  async function serve(opened: Connection, signal: AbortSignal) {
    const since = performance.now();
    const heart = untilSilent(opened, opened.gone).then(() =>
      opened.destroy(new Error(`${opened.server} was silent`)),
    );
    onAbort(AbortSignal.any([signal, opened.gone]), () =>
      opened.destroy(new Error('the session was closed')),
    );
    await prepare(opened, fresh);
    if (!opened.gone.aborted) up(opened);
    await heart;
    if (performance.now() - since >= timeout) dialer.reset();
  }

  function up(opened: Connection) {
    connection = opened;
    fresh = false;
    failure = undefined;
    complaints.clear();
    states.move('connected');
    measures.connection('opened');
    const session = shown(opened.credentials());
    log.info({ server: opened.server, session }, 'zookeeper connected');
    onUp(opened);
  }

  function down(closed: Connection) {
    connection = undefined;
    credentials = closed.credentials();
    failure = closed.gone.reason as Error;
    if (states.present !== 'connected' || leaving.aborted) return;
    states.move('suspended');
    log.warn({ reason: failure.message }, 'zookeeper connection lost');
  }

  return {
    async run(signal) {
      let outage = outageSince(performance.now());
      while (!signal.aborted) {
        const opened = await attempt(signal);
        if (!opened) continue;
        await outage.end();
        credentials = opened.credentials();
        timeout = opened.timeout;
        // A user's own log or metrics may throw; that must not end the session's life.
        await serve(opened, signal).catch((error) => opened.destroy(new Error(messageOf(error))));
        down(opened);
        outage = outageSince(opened.lastInbound());
      }
      await outage.end();
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
