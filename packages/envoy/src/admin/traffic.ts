import type { Admin } from './client.ts';

/** How many requests and TCP connections are under way; connections of HTTP that are idle do not count. */
export async function traffic(admin: Admin, signal: AbortSignal): Promise<number> {
  const filter = encodeURIComponent('^(http|listener)\\..*\\.downstream_(rq|cx)_active$');
  return trafficIn(await admin.get(`/stats?format=text&filter=${filter}`, signal));
}

/** The same of an answer, whose lines are `name: value`. */
export function trafficIn(stats: string): number {
  let requests = 0;
  let connections = 0;
  for (const line of stats.split('\n')) {
    const [name = '', value] = line.split(': ');
    if (value === undefined) continue;
    if (/^(http|listener)\.admin\./.test(name) || /\.worker_\d+\./.test(name)) continue;
    if (name.endsWith('.downstream_rq_active')) requests += Number(value);
    else if (name.startsWith('listener.')) connections += Number(value);
    else connections -= Number(value);
  }
  return requests + Math.max(0, connections);
}
