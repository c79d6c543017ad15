import type { MeasuredRoute } from '@smartstack/proxy';

import { buckets, classes } from '../policy/tables.ts';

/** What is counted of each service's routes, by the service. */
export type CountedRoutes = ReadonlyMap<string, readonly MeasuredRoute[]>;

/**
 * Reads `show table` of the table that counts traffic, whose entries are one line each:
 * `0x55d0: key=web/rest use=0 exp=0 http_req_cnt=6 gpc0=6 gpc1=0 …`. Names that HAProxy
 * takes need no escapes there. Entries without a route have rates only. What
 * is no such table (HAProxy has not loaded one yet) has none.
 */
export function parseTrafficTable(text: string): CountedRoutes {
  const counted = new Map<string, MeasuredRoute[]>();
  for (const line of text.split('\n')) {
    const [pointer = '', ...words] = line.split(' ');
    if (!pointer.startsWith('0x')) continue;
    const fields = new Map(words.map(fieldOf));
    const key = fields.get('key') ?? '';
    const slash = key.lastIndexOf('/');
    if (slash < 0) continue;
    const service = key.slice(0, slash);
    const routes = counted.get(service) ?? [];
    counted.set(service, routes);
    routes.push(routeOf(key.slice(slash + 1), (name) => Number(fields.get(name) ?? 0)));
  }
  return counted;
}

/** A route that got no request yet. */
export const untouched = (name: string): MeasuredRoute => routeOf(name, () => 0);

function routeOf(name: string, count: (field: string) => number): MeasuredRoute {
  return {
    name,
    requests: count('http_req_cnt'),
    buckets: Array.from({ length: buckets.length + 1 }, (_, index) => count(`gpc${index}`)),
    errors: Object.fromEntries(
      classes.map((each, index) => [each, count(`gpc${buckets.length + 1 + index}`)]),
    ),
  };
}

function fieldOf(word: string): [string, string] {
  const at = word.indexOf('=');
  return [word.slice(0, at), word.slice(at + 1)];
}
