import { setImmediate as nextTurn } from 'node:timers/promises';

import { createDeadline } from '@smartstack/daemon';

import { onAbort } from '../abort.ts';
import type { Link } from '../connection/link.ts';
import type { HandedOff } from '../contract.ts';
import type { Core } from './core.ts';
import { handedOff } from './options.ts';

/** How long the end of a session may take, in milliseconds. */
const within = 1_900;

export interface EndingOptions {
  readonly core: Core;
  readonly link: Link;
  /** Rejects what waits and what comes. */
  shut(): void;
  /** Ends `ephemeral` and `children` without a trace on the server. */
  leave(): void;
  /** Ends the connection and all attempts; resolves once nothing runs any more. */
  stop(): Promise<void>;
}

/** The two ways in which a session ends. Whichever is first counts; neither rejects. */
export interface Ending {
  ticket(): HandedOff | undefined;
  close(): Promise<void>;
  handOff(): Promise<HandedOff>;
}

export function createEnding({ core, link, shut, leave, stop }: EndingOptions): Ending {
  let ended: Promise<void> | undefined;
  let credentials = link.credentials;

  async function endSession(): Promise<void> {
    using deadline = createDeadline(within);
    leave();
    shut();
    await reconnected(deadline.signal);
    const { connection } = link;
    if (connection) {
      connection.client.close();
      await aborted(AbortSignal.any([connection.gone, deadline.signal]));
    }
    await stop();
  }

  /** Closing a session takes its nodes away at once, which is worth some patience with a connection that is down. */
  async function reconnected(deadline: AbortSignal): Promise<void> {
    if (link.connection || !link.credentials || core.kept.size === 0) return;
    const up = new AbortController();
    core.connected.on(() => up.abort(), deadline);
    await aborted(AbortSignal.any([up.signal, deadline]));
  }

  /** What is on the wire is answered first: a node whose creation nobody noted would stand for ever. */
  async function leaveSession(): Promise<void> {
    shut();
    using deadline = createDeadline(within);
    await Promise.race([core.operations.idle(), aborted(deadline.signal)]);
    await nextTurn();
    credentials = link.credentials;
    leave();
    await stop();
  }

  /** What nobody has taken over yet is the next process's to take over or to drop. */
  const noted = () => [...core.kept, ...core.inherited.paths()];

  return {
    ticket: () => link.credentials && handedOff(link.credentials, noted()),
    close() {
      ended ??= endSession();
      return ended;
    },
    async handOff() {
      ended ??= leaveSession();
      await ended;
      return handedOff(credentials, noted());
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => onAbort(signal, resolve));
}
