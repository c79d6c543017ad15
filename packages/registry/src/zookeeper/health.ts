import type { Session } from '@smartstack/zookeeper';

/** When a session was last without a connection. */
export interface Health {
  /** The last moment at which a session that had been connected was not, on `performance.now`'s clock; undefined for never. */
  lastUnhealthy(): number | undefined;
  /** Notes the session's states until the signal aborts. */
  follow(session: Pick<Session, 'states'>, signal: AbortSignal): Promise<void>;
}

/** A healthy ensemble answers within this time, in milliseconds. */
const usualDelay = 5_000;

/** Starts as healthy: connecting for the first time counts against a session only when it takes long. */
export function createHealth(now: () => number = () => performance.now()): Health {
  let isUnhealthy = false;
  let last: number | undefined;
  let since: number | undefined = now();
  return {
    lastUnhealthy: () => (isUnhealthy ? now() : last),
    follow: async (session, signal) => {
      for await (const state of session.states(signal)) {
        if (state === 'connected') {
          const wasLong = since !== undefined && now() - since > usualDelay;
          if (isUnhealthy || wasLong) last = now();
          since = undefined;
        }
        const isCut = state === 'suspended' || state === 'lost';
        isUnhealthy = state !== 'connected' && (isUnhealthy || isCut);
      }
    },
  };
}
