import type { Session } from '@smartstack/zookeeper';

/** When a session was last without a connection. */
export interface Health {
  /** The last moment at which a session that had been connected was not, on `performance.now`'s clock; undefined for never. */
  lastUnwell(): number | undefined;
  /** Notes the session's states until the signal aborts. */
  follow(session: Pick<Session, 'states'>, signal: AbortSignal): Promise<void>;
}

/** A healthy ensemble answers within this time, in milliseconds. */
const usualDelay = 5_000;

/** Starts as healthy: connecting for the first time counts against a session only when it takes long. */
export function createHealth(now: () => number = () => performance.now()): Health {
  let unwell = false;
  let last: number | undefined;
  let since: number | undefined = now();
  return {
    lastUnwell: () => (unwell ? now() : last),
    follow: async (session, signal) => {
      for await (const state of session.states(signal)) {
        if (state === 'connected') {
          const wasLong = since !== undefined && now() - since > usualDelay;
          if (unwell || wasLong) last = now();
          since = undefined;
        }
        unwell =
          state === 'connected' ? false : unwell || state === 'suspended' || state === 'lost';
      }
    },
  };
}
