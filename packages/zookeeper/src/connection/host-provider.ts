import { setTimeout as sleep } from 'node:timers/promises';

import { delayOf } from '@smartstack/daemon';

import { type Address, format, type Host, resolve } from './address.ts';

type Resolver = (host: Host) => Promise<readonly Address[]>;

/** Chooses where to connect next, and when. */
export interface HostProvider {
  /**
   * Waits for its turn, never longer than a fraction of the session timeout, and names an address.
   * Rejects when the host's name cannot be resolved or the signal aborts.
   */
  next(timeout: number, signal: AbortSignal): Promise<Address>;
  /** How long an attempt may take under this session timeout, in milliseconds; longer after each round of timeouts. */
  attemptTimeout(timeout: number): number;
  /** Notes that an attempt timed out: the servers may be slow, and the next attempts get more time. */
  timedOut(): void;
  /** Starts over with the shortest pause and timeout: the last connection was a good one, or there is a reason to be quick. */
  reset(): void;
}

/** Session timeouts above this, in milliseconds, do not lengthen the first attempts. */
const longTimeout = 10_000;

/**
 * Goes through the hosts in a random order, one address of each in turn, and asks the resolver each
 * time. The first attempt is immediate, the pause after it grows with each whole round, with jitter.
 */
export function createHostProvider(
  hosts: readonly Host[],
  addressesOf: Resolver = resolve,
): HostProvider {
  const lookups = new Map<Host, Promise<readonly Address[]>>();
  const order = shuffled(hosts);
  let turn = Math.floor(Math.random() * 1024) * order.length;
  let attempts = 0;
  let timeouts = 0;
  let width = order.length;

  const round = () => Math.floor(Math.max(0, attempts - 1) / width);

  const attemptTimeout = (timeout: number) => {
    const first = Math.max(500, Math.min(timeout, longTimeout) / (3 * width));
    return Math.min(timeout, first * 2 ** Math.min(Math.floor(timeouts / width), 10));
  };

  /** A resolver that hangs must not block the other hosts, and is not asked again meanwhile. */
  async function lookUp(host: Host, within: number, signal: AbortSignal) {
    const asked = lookups.get(host) ?? addressesOf(host).finally(() => lookups.delete(host));
    lookups.set(host, asked);
    const answered = new AbortController();
    const ended = AbortSignal.any([signal, answered.signal]);
    const late = sleep(within, undefined, { signal: ended }).then(() => {
      throw new Error(`${format(host)} was not resolved within ${within} ms`);
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      answered.abort();
    }
  }

  return {
    attemptTimeout,
    async next(timeout, signal) {
      const limits = { base: 50, max: Math.min(2_000, timeout / 4) };
      if (attempts > 0) await sleep(delayOf(round(), limits), undefined, { signal });
      attempts += 1;
      const at = turn++;
      const host = order[at % order.length] as Host;
      const addresses = await lookUp(host, attemptTimeout(timeout), signal);
      width = Math.max(order.length, addresses.length);
      return addresses[Math.floor(at / order.length) % addresses.length] as Address;
    },
    timedOut: () => {
      timeouts += 1;
    },
    // Never without any pause: a server that goes down disconnects all of its clients at once.
    reset: () => {
      attempts = 1;
      timeouts = 0;
    },
  };
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ item }) => item);
}
