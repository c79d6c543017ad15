import { type Log, messageOf } from '@smartstack/daemon';

import type { Connection } from '../connection/connection.ts';
import { hexIdOf } from '../connection/credentials.ts';
import type { Measures } from './metrics.ts';
import type { States } from './states.ts';

/** Moves the session's state as connections come and go; each transition is logged and counted. */
export interface Transitions {
  /** Why the last attempt or connection ended; undefined while connected. */
  readonly failure: Error | undefined;
  connecting(): void;
  failed(error: unknown): void;
  connected(connection: Connection): void;
  disconnected(reason: Error): void;
  lost(reason: string): void;
}

export interface TransitionsOptions {
  readonly states: States;
  readonly measures: Measures;
  readonly log: Log;
  /** Aborted when the session is about to end: a connection that ends then is no failure. */
  readonly leaving: AbortSignal;
}

const fix =
  'it is tried again; on every machine at once see to the ensemble, else to network and credentials';

export function createTransitions(options: TransitionsOptions): Transitions {
  const { states, measures, log, leaving } = options;
  /** Reasons logged since the last connection: several hosts fail in turn, each for its own reason. */
  const logged = new Set<string>();
  let failure: Error | undefined;

  return {
    get failure() {
      return failure;
    },
    connecting() {
      if (states.present === 'idle' || states.present === 'lost') states.move('connecting');
    },
    failed(error) {
      const reason = messageOf(error);
      measures.connection('failed');
      if (!logged.has(reason)) log.warn({ reason, fix }, 'cannot connect to zookeeper');
      logged.add(reason);
      failure = error instanceof Error ? error : new Error(reason);
    },
    connected(connection) {
      failure = undefined;
      logged.clear();
      states.move('connected');
      measures.connection('opened');
      const session = hexIdOf(connection.credentials());
      log.info({ server: connection.server, session }, 'zookeeper connected');
    },
    disconnected(reason) {
      failure = reason;
      if (states.present !== 'connected' || leaving.aborted) return;
      states.move('suspended');
      log.warn({ reason: reason.message }, 'zookeeper connection lost');
    },
    lost(reason) {
      if (states.present !== 'suspended') return;
      states.move('lost');
      measures.lost();
      log.warn({ reason }, 'zookeeper session lost');
    },
  };
}
