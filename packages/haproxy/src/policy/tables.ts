import { type Policy, routeNames } from '@smartstack/policy';
import { latencyEnds } from '@smartstack/proxy';

import { timeOf } from './quote.ts';
import { windowsOf } from './values.ts';

/** The buckets of latencies: those of the contract. */
export const buckets = latencyEnds;

/** What the counters behind the buckets count: answers by class. */
export const classes = ['4xx', '5xx'] as const;

/** The table that counts the traffic of every service and route. */
export const trafficTable = 'synapse-traffic';

/** Its lines: counters by `<service>/<route>`, and rates by service for the budgets of retries. */
export function trafficTableLines(): readonly string[] {
  const counters = buckets.length + 1 + classes.length;
  return [
    `stick-table type string len 192 size 20k store gpc(${counters}),http_req_cnt,http_req_rate(10s),http_fail_rate(10s)`,
  ];
}

/** The table of a route's rate limit. */
export const limitTable = (service: string, route: string) => `${service}.limit-${route}`;

/** The tables of a policy's rate limits, each a backend of its own. */
export function limitTables(
  service: string,
  { routes = [] }: Policy,
): readonly { readonly title: string; readonly lines: readonly string[] }[] {
  const names = routeNames(routes);
  return routes.flatMap(({ rate_limit: limit }, index) => {
    if (!limit) return [];
    const long = limit.per * windowsOf(limit);
    return [
      {
        title: `backend ${limitTable(service, names[index] ?? '')}`,
        lines: [
          `stick-table type string len 32 size 100k expire ${timeOf(Math.max(60_000, 2 * long))} store gpc0,gpc0_rate(${timeOf(limit.per)}),gpc1,gpc1_rate(${timeOf(long)})`,
        ],
      },
    ];
  });
}
