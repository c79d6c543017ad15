import { setImmediate as nextTurn } from 'node:timers/promises';

import { messageOf } from '@smartstack/daemon';

import { onAbort } from '../abort.ts';
import type { Connection } from '../connection/connection.ts';
import { createDialer } from '../connection/dialer.ts';
import { SessionExpired } from '../connection/errors.ts';
import { untilSilent } from '../connection/heartbeat.ts';
import { createIdentity, type Identity } from './identity.ts';
import type { Settings } from './options.ts';
import { startOutage } from './outage.ts';
import { createTransitions, type TransitionsOptions } from './transitions.ts';

/**
 * Re-establishes one session for as long as it is open: after a lost connection it resumes the session on
 * the next server that answers, and after an expiry it asks for a new one.
 */
export interface Reestablisher {
  /** Connects again and again until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** The connection that operations go out on; undefined while there is none. */
  readonly connection: Connection | undefined;
  /** Counts the connections that operations went out on. */
  readonly epoch: number;
  readonly identity: Identity;
  /** The granted session timeout, or the one asked for before the first connection, in milliseconds. */
  readonly timeout: number;
  /** Why the last attempt or connection ended. */
  readonly failure: Error | undefined;
}

export interface ReestablisherOptions extends TransitionsOptions {
  readonly settings: Settings;
  /** Called with each new connection before the session counts as connected; `isNew` on a session's first. */
  prepare(connection: Connection, isNew: boolean): Promise<void>;
  onConnected(connection: Connection): void;
}

export function createReestablisher(options: ReestablisherOptions): Reestablisher {
  const { settings, measures, prepare, onConnected } = options;
  const dialer = createDialer(settings);
  const identity = createIdentity(settings.resume);
  const transitions = createTransitions(options);
  let timeout = settings.timeout;
  let connection: Connection | undefined;
  let epoch = 0;
  let isNew = true;

  function discard(reason: string) {
    identity.discard();
    isNew = true;
    transitions.lost(reason);
  }

  const outageSince = (since: number) =>
    startOutage({
      since,
      timeout,
      onLost: () => transitions.lost('no connection within the session timeout'),
      onGivenUp: () => discard('no server took the session back'),
    });

  async function attempt(signal: AbortSignal): Promise<Connection | undefined> {
    const { credentials } = identity;
    transitions.connecting();
    try {
      return await dialer.dial({ credentials, timeout }, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof SessionExpired && credentials) await expire(error);
      else transitions.failed(error);
      return undefined;
    }
  }

  /** Waits a turn before a new session is asked for, so that those who follow the states see `lost`. */
  async function expire(error: SessionExpired) {
    measures.connection('expired');
    discard(error.message);
    dialer.reset();
    await nextTurn();
  }

  /** Uses a connection until it is gone. */
  async function use(opened: Connection, signal: AbortSignal) {
    const since = performance.now();
    const gone = untilGone(opened, signal);
    await prepare(opened, isNew);
    if (!opened.gone.aborted) {
      connection = opened;
      epoch += 1;
      isNew = false;
      transitions.connected(opened);
      onConnected(opened);
    }
    await gone;
    if (performance.now() - since >= timeout) dialer.reset();
  }

  return {
    async run(signal) {
      let outage = outageSince(performance.now());
      while (!signal.aborted) {
        const opened = await attempt(signal);
        if (!opened) continue;
        await outage.end();
        identity.update(opened.credentials());
        timeout = opened.timeout;
        // The user's log or metrics may throw; that must not end the session.
        await use(opened, signal).catch((error) => opened.destroy(new Error(messageOf(error))));
        connection = undefined;
        identity.update(opened.credentials());
        transitions.disconnected(opened.gone.reason as Error);
        outage = outageSince(opened.lastInbound());
      }
      await outage.end();
    },
    identity,
    get connection() {
      return connection;
    },
    get epoch() {
      return epoch;
    },
    get timeout() {
      return timeout;
    },
    get failure() {
      return transitions.failure;
    },
  };
}

/** Ends a connection when its server is silent or the signal aborts; resolves once it is gone, however that was. */
async function untilGone(opened: Connection, signal: AbortSignal): Promise<void> {
  onAbort(AbortSignal.any([signal, opened.gone]), () =>
    opened.destroy(new Error('the session was closed')),
  );
  await untilSilent(opened, opened.gone);
  opened.destroy(new Error(`${opened.server} was silent`));
}
