import { type Route, routeNames } from '@smartstack/policy';

import { tcpReasons } from './reasons.ts';
import type { Traffic } from './traffic.ts';

/** Of a million: what shares are written as, and thrown. */
export const whole = 1_000_000;

/** Values that HAProxy reads from its map for each request, so that they change without a reload. */
export type Values = Readonly<Record<string, string>>;

/** The key of a value: of a service's route, and what it says. */
export const keyOf = (
  service: string,
  route: string,
  what: 'split' | 'delay' | 'abort' | 'limit',
) => `${service}/${route}/${what}`;

/** What the map has of one service. */
export function valuesOf({ service, policy, front, protocol }: Traffic): Values {
  if (!front) return {};
  if (protocol === 'tcp') return policy.access_log === 'json' ? tcpReasons : {};
  const names = routeNames(policy.routes ?? []);
  const entries = (policy.routes ?? []).flatMap((route, index) => {
    const name = names[index] ?? '';
    const { targets = [] } = front.routes[index] ?? {};
    return [
      ...(targets.length > 1 ? [[keyOf(service, name, 'split'), splitOf(targets)]] : []),
      ...faultValues(service, name, route),
      ...(route.rate_limit ? [[keyOf(service, name, 'limit'), limitOf(route.rate_limit)]] : []),
    ] as const;
  });
  return Object.fromEntries(entries);
}

function faultValues(service: string, name: string, { fault = {} }: Route) {
  return (['delay', 'abort'] as const).flatMap((what) => {
    const { share } = fault[what] ?? {};
    return share === undefined
      ? []
      : [[keyOf(service, name, what), String(Math.round(share * whole))] as const];
  });
}

/**
 * Which targets have a part, and where the part of each ends, out of a million, the last one's left out:
 * `111:100000:350000`.
 */
function splitOf(targets: readonly { readonly weight: number }[]): string {
  const sum = targets.reduce((total, { weight }) => total + weight, 0);
  let passed = 0;
  const ends = targets.slice(0, -1).map(({ weight }) => {
    passed += weight;
    return Math.round((passed / sum) * whole);
  });
  const parts = targets.map(({ weight }) => (weight > 0 ? '1' : '0')).join('');
  return [parts, ...ends].join(':');
}

/**
 * How many windows the average of a rate limit is over, where it allows a burst: ten, or as many tens as have the
 * burst in them.
 */
export function windowsOf({ requests, burst, per }: RateLimit): number {
  let windows = 10;
  while (requests * windows < requests + burst && per * windows * 10 <= longest) windows *= 10;
  return windows;
}

/** What HAProxy's times reach to, in milliseconds: 24 days. */
const longest = 24 * 86_400_000;

type RateLimit = NonNullable<Route['rate_limit']>;

/** How many requests one window, and all of them, may have. */
function limitOf(limit: RateLimit): string {
  return `${limit.requests + limit.burst}:${limit.requests * windowsOf(limit)}`;
}
