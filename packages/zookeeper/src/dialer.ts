import { setTimeout as sleep } from 'node:timers/promises';

import { delayOf } from '@smartstack/daemon';

import { type Address, type Host, resolve } from './address.ts';

/** Chooses where to connect next, and when. */
export interface Dialer {
  /**
   * Waits for its turn, never longer than a fraction of the session timeout, and names an address.
   * Rejects when the host's name cannot be resolved or the signal aborts.
   */
  next(timeout: number, signal: AbortSignal): Promise<Address>;
  /** How long an attempt may take under this session timeout, in milliseconds; longer after each round of failures. */
  patience(timeout: number): number;
  /** Starts over: the last connection was a good one, or there is a reason to be quick. */
  reset(): void;
}

/**
 * Goes through the hosts in a random order, one address of each in turn, and asks the resolver each
 * time. The first attempt is immediate, the pause after it grows with each whole round, with jitter.
 */
export function createDialer(hosts: readonly Host[], addressesOf = resolve): Dialer {
  const order = shuffled(hosts);
  let turn = Math.floor(Math.random() * 1024) * order.length;
  let attempts = 0;
  let width = order.length;

  const round = () => Math.floor(Math.max(0, attempts - 1) / width);

  return {
    async next(timeout, signal) {
      const limits = { base: 50, max: Math.min(2_000, timeout / 4) };
      if (attempts > 0) await sleep(delayOf(round(), limits), undefined, { signal });
      attempts += 1;
      const at = turn++;
      const host = order[at % order.length] as Host;
      const addresses = await addressesOf(host);
      width = Math.max(order.length, addresses.length);
      return addresses[Math.floor(at / order.length) % addresses.length] as Address;
    },
    patience: (timeout) =>
      Math.min(timeout, Math.max(500, timeout / (3 * width)) * 2 ** Math.min(round(), 10)),
    reset: () => {
      attempts = 0;
    },
  };
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ item }) => item);
}
