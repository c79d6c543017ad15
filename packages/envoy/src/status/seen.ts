import type { Measured, MeasuredServer } from '@smartstack/proxy';

import type { Member, Seen } from './status.ts';

/** How old the members may be that are shown, in milliseconds. */
const freshness = 1_000;

/** The members that Envoy has, for a while after it was asked. */
export interface LatestSeen {
  /** Asks Envoy, at most once a second. Never rejects: what does not answer is shown as that. */
  refresh(signal: AbortSignal): Promise<void>;
  /** Takes what Envoy was asked for anyway, and returns it. */
  note(services: ReadonlyMap<string, Measured>): ReadonlyMap<string, Measured>;
  latest(): Seen | undefined;
}

export function createSeen(
  read: (signal: AbortSignal) => Promise<ReadonlyMap<string, Measured['servers']>>,
): LatestSeen {
  let seen: Seen | undefined;
  const isFresh = () => seen !== undefined && Date.now() - seen.at < freshness;
  const note = (services: Iterable<readonly [string, Measured['servers']]>) => {
    const members = new Map(Array.from(services, ([name, servers]) => [name, membersOf(servers)]));
    seen = { at: Date.now(), members };
  };
  return {
    refresh: async (signal) => {
      if (isFresh()) return;
      try {
        note(await read(signal));
      } catch {
        seen = { at: Date.now(), members: undefined };
      }
    },
    note: (services) => {
      note(Array.from(services, ([name, { servers }]) => [name, servers] as const));
      return services;
    },
    latest: () => (isFresh() ? seen : undefined),
  };
}

const membersOf = (servers: ReadonlyMap<string, MeasuredServer>): ReadonlyMap<string, Member> =>
  new Map([...servers].map(([name, server]) => [name, memberOf(server)]));

function memberOf({ status, address, ejected }: MeasuredServer): Member {
  if (!ejected) return { status, address };
  const { since, why, back } = ejected;
  return {
    status,
    address,
    ejected: {
      since: new Date(since).toISOString(),
      why,
      back: back === undefined ? null : new Date(back).toISOString(),
    },
  };
}
