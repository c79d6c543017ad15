import type { Policy } from '@smartstack/policy';

import { buckets, classes, trafficTable } from './tables.ts';

/** Lines that note when a request came and count it for its service and route. */
export function countLines(service: string, { routes = [] }: Policy): readonly string[] {
  const key =
    routes.length > 0
      ? [
          `http-request set-var(txn.synapse_key) str(${service}/),concat(,txn.synapse_route)`,
          `http-request track-sc0 var(txn.synapse_key) table ${trafficTable}`,
          // Retries have one budget for all routes.
          `http-request track-sc1 str(${service}) table ${trafficTable}`,
        ]
      : [`http-request track-sc0 str(${service}/rest) table ${trafficTable}`];
  return ['http-request set-var(txn.synapse_start) date(0,us)', ...key, ...answerLines()];
}

/** The stick counter that has the rates of the whole service. */
export const serviceCounter = ({ routes = [] }: Policy) => (routes.length > 0 ? 1 : 0);

/**
 * Every answer counts in one bucket, HAProxy's own ones too: after-response rules are the only ones that see
 * these, and of HAProxy 2.6 only the fetch counts there.
 */
function answerLines(): readonly string[] {
  const inc = (index: number, condition: string) =>
    `http-after-response set-var(txn.synapse_n) sc_inc_gpc(${index},0) if ${condition}`;
  const edges = buckets.map((end) => end * 1000);
  return [
    'http-after-response set-var(txn.synapse_took) date(0,us),sub(txn.synapse_start)',
    ...edges.map((end, index) =>
      inc(
        index,
        `{ var(txn.synapse_took) -m int ${index === 0 ? 0 : (edges[index - 1] ?? 0) + 1}:${end} }`,
      ),
    ),
    inc(edges.length, `{ var(txn.synapse_took) -m int gt ${edges.at(-1)} }`),
    ...classes.map((each, index) =>
      inc(edges.length + 1 + index, `{ status ${each[0]}00:${each[0]}99 }`),
    ),
  ];
}

/** Lines that give requests an id and a trace context where they have none. */
export function identityLines({ request_id: id, trace = 'off' }: Policy): readonly string[] {
  const make = (name: string, value: string, unless = name) =>
    `http-request set-header ${name} ${value} unless { req.hdr(${unless}) -m found }`;
  const traceId = '%[uuid(),regsub(-,,g)]';
  const spanId = '%[uuid(),regsub(-,,g),bytes(0,16)]';
  const traces = {
    off: [],
    w3c: [make('traceparent', `00-${traceId}-${spanId}-01`)],
    b3: [
      // The trace id last: the others are made where it is missing.
      make('x-b3-spanid', spanId, 'x-b3-traceid'),
      make('x-b3-sampled', '1', 'x-b3-traceid'),
      make('x-b3-traceid', traceId),
    ],
  };
  return [...(id ? [make('x-request-id', '%[uuid()]')] : []), ...traces[trace]];
}
