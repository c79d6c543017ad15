import type { Session } from '@smartstack/zookeeper';

/** When a session was last in trouble. */
export interface Health {
  /** The last moment at which a session that had been connected was not, on `performance.now`'s clock; undefined for never. */
  lastUnwell(): number | undefined;
  /** Notes the session's states until the signal aborts. */
  follow(session: Pick<Session, 'states'>, signal: AbortSignal): Promise<void>;
}

/** An ensemble that is well answers within this time, in milliseconds. */
const patience = 5_000;

/** The health of a session that has had no trouble yet: connecting for the first time is none, unless it takes long. */
export function createHealth(now: () => number = () => performance.now()): Health {
  let unwell = false;
  let last: number | undefined;
  let since: number | undefined = now();
  return {
    lastUnwell: () => (unwell ? now() : last),
    follow: async (session, signal) => {
      for await (const state of session.states(signal)) {
        if (state === 'connected') {
          const wasLong = since !== undefined && now() - since > patience;
          if (unwell || wasLong) last = now();
          since = undefined;
        }
        unwell =
          state === 'connected' ? false : unwell || state === 'suspended' || state === 'lost';
      }
    },
  };
}
