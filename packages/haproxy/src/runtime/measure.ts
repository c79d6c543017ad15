import { routeNames } from '@smartstack/policy';
import { type Measured, withRoutes } from '@smartstack/proxy';

import { rest } from '../policy/routes.ts';
import { trafficTable } from '../policy/tables.ts';
import { isHttp, type Traffic } from '../policy/traffic.ts';
import type { Runtime } from './admin-socket.ts';
import { type EjectTimes, parseStatistics } from './statistics.ts';
import { type CountedRoutes, parseTrafficTable, untouched } from './traffic-table.ts';

/** A backend of HAProxy, and what a policy makes of it. */
export interface MeasuredBackend {
  readonly backend: string;
  readonly traffic?: Traffic | undefined;
}

/**
 * What HAProxy itself counted, by service. Both answers come over one connection, and so from one worker: a reload
 * cannot mix the counters of two.
 */
export async function measured(
  runtime: Runtime,
  backends: ReadonlyMap<string, MeasuredBackend>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Measured>> {
  const all = [...backends.values()];
  const isCounted = all.some(({ traffic }) => traffic && countsRoutes(traffic));
  const [text = '', table = ''] = await runtime.ask(
    ['show stat -1 6 -1', ...(isCounted ? [`show table ${trafficTable}`] : [])],
    signal,
  );
  const statistics = parseStatistics(text, Date.now(), ejectTimesOf(all));
  const counted = parseTrafficTable(table);
  const services = [...backends].flatMap(([service, { backend, traffic }]) => {
    const one = statistics.get(backend);
    return one ? [[service, withRoutes(one, routesOf(traffic, counted))] as const] : [];
  });
  return new Map(services);
}

/** How long each backend ejects servers; where too many are out, all are served and none is ejected. */
export function ejectTimesOf(backends: Iterable<MeasuredBackend>): EjectTimes {
  const times = [...backends].flatMap(({ backend, traffic }) => {
    const ejection = !traffic?.isPanic && traffic?.policy.outlier_ejection;
    return ejection ? [[backend, ejection.eject_for ?? usualTime] as const] : [];
  });
  return new Map(times);
}

const usualTime = 30_000;

/** The frontend counts, which stands with the service's first backend. */
const countsRoutes = (traffic: Traffic) => traffic.front !== undefined && isHttp(traffic);

/** The routes that a policy has, and none that the table still knows of before. */
function routesOf(traffic: Traffic | undefined, counted: CountedRoutes) {
  if (!traffic || !countsRoutes(traffic)) return [];
  const known = new Map(counted.get(traffic.service)?.map((route) => [route.name, route]));
  return [...routeNames(traffic.policy.routes ?? []), rest].map(
    (name) => known.get(name) ?? untouched(name),
  );
}
