import { setImmediate as nextTurn } from 'node:timers/promises';

import { createDeadline } from '@smartstack/daemon';

import { onAbort } from '../abort.ts';
import type { HandedOff } from '../contract.ts';
import type { SessionContext } from './context.ts';
import { handedOff } from './options.ts';
import type { Reestablisher } from './reestablish.ts';

/** How long the end of a session may take, in milliseconds. */
const within = 1_900;

export interface EndingOptions {
  readonly context: SessionContext;
  readonly reestablisher: Reestablisher;
  /** Rejects what waits and what comes. */
  shut(): void;
  /** Ends `ephemeral`, `children` and `data`, which leave the server as it is. */
  leave(): void;
  /** Ends the connection and all attempts; resolves once nothing runs any more. */
  stop(): Promise<void>;
}

/** The two ways in which a session ends. Whichever is first counts; neither rejects. */
export interface Ending extends AsyncDisposable {
  ticket(): HandedOff | undefined;
  close(): Promise<void>;
  handOff(): Promise<HandedOff>;
}

export function createEnding({ context, reestablisher, shut, leave, stop }: EndingOptions): Ending {
  let ended: Promise<void> | undefined;
  let credentials = reestablisher.identity.credentials;

  async function endSession(): Promise<void> {
    using deadline = createDeadline(within);
    leave();
    shut();
    await reconnected(deadline.signal);
    const { connection } = reestablisher;
    if (connection) {
      connection.client.close();
      await aborted(AbortSignal.any([connection.gone, deadline.signal]));
    }
    await stop();
  }

  /** Closing a session takes its nodes away at once, which is worth waiting a little for a connection that is down. */
  async function reconnected(deadline: AbortSignal): Promise<void> {
    if (reestablisher.connection || !reestablisher.identity.credentials || context.kept.size === 0)
      return;
    const up = new AbortController();
    context.connected.on(() => up.abort(), deadline);
    await aborted(AbortSignal.any([up.signal, deadline]));
  }

  /** Waits for answers first: a node that is created but not handed off would have no owner in the next process. */
  async function leaveSession(): Promise<void> {
    shut();
    using deadline = createDeadline(within);
    await Promise.race([context.operations.idle(), aborted(deadline.signal)]);
    await nextTurn();
    credentials = reestablisher.identity.credentials;
    leave();
    await stop();
  }

  /** The next process may claim or drop what this one has not claimed. */
  const paths = () => [...context.kept, ...context.unclaimed.paths()];

  function close(): Promise<void> {
    ended ??= endSession();
    return ended;
  }

  return {
    ticket: () =>
      reestablisher.identity.credentials && handedOff(reestablisher.identity.credentials, paths()),
    close,
    [Symbol.asyncDispose]: close,
    async handOff() {
      ended ??= leaveSession();
      await ended;
      return handedOff(credentials, paths());
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => onAbort(signal, resolve));
}
