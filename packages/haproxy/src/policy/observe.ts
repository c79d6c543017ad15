import type { Policy } from '@smartstack/policy';

import { rest } from './routes.ts';
import { buckets, classes, trafficTable } from './tables.ts';

/**
 * Lines that count for the whole service: what is the same for all requests of a connection is looked up once.
 * Retries have one budget for all routes.
 */
export function sessionLines(service: string, policy: Policy): readonly string[] {
  const counter = serviceCounter(policy);
  const key = counter === 0 ? `${service}/${rest}` : service;
  return [`tcp-request session track-sc${counter} str(${key}) table ${trafficTable}`];
}

/** Lines that note when a request came and count it for its route. */
export function countLines(service: string, { routes = [] }: Policy): readonly string[] {
  const key = [
    `http-request set-var(txn.synapse_key) str(${service}/),concat(,txn.synapse_route)`,
    `http-request track-sc0 var(txn.synapse_key) table ${trafficTable}`,
  ];
  return [
    'http-request set-var(txn.synapse_start) date(0,us)',
    ...(routes.length > 0 ? key : []),
    ...answerLines(),
  ];
}

/** The stick counter that has the rates of the whole service. */
export const serviceCounter = ({ routes = [] }: Policy) => (routes.length > 0 ? 1 : 0);

/**
 * Every answer counts in one bucket, HAProxy's own ones too: after-response rules are the only ones that see
 * these, and of HAProxy 2.6 only the fetch counts there. Each rule costs every request, so that the first bucket
 * that fits ends them where the answer is no error: further after-response rules have to stand before these.
 */
function answerLines(): readonly string[] {
  const inc = (index: number) => `{ sc_inc_gpc(${index},0) -m found }`;
  const edges = buckets.map((end) => end * 1000);
  const bucket = (range: string, index: number) =>
    `http-after-response allow if { var(txn.synapse_start) -m int ${range} } ${inc(index)} { status lt 400 }`;
  return [
    // From here on it is how long the answer took.
    'http-after-response set-var(txn.synapse_start) date(0,us),sub(txn.synapse_start)',
    ...edges.map((end, index) =>
      bucket(index === 0 ? `le ${end}` : `${(edges[index - 1] ?? 0) + 1}:${end}`, index),
    ),
    bucket(`gt ${edges.at(-1)}`, edges.length),
    ...classes.map(
      (each, index) =>
        `http-after-response allow if { status ${each[0]}00:${each[0]}99 } ${inc(edges.length + 1 + index)}`,
    ),
  ];
}

/** Lines that give requests an id and a trace context where they have none. */
export function identityLines({ request_id: id, trace = 'off' }: Policy): readonly string[] {
  const make = (name: string, value: string, unless = name) =>
    `http-request set-header ${name} ${value} unless { req.hdr(${unless}) -m found }`;
  const traces = {
    off: [],
    w3c: [
      ...random('traceparent'),
      make('traceparent', `00-${hex(trace1, all)}-${hex(trace2, ends)}-01`),
    ],
    b3: [
      ...random('x-b3-traceid'),
      // The trace id last: the others are made where it is missing.
      make('x-b3-spanid', hex(trace2, ends), 'x-b3-traceid'),
      make('x-b3-sampled', '1', 'x-b3-traceid'),
      make('x-b3-traceid', hex(trace1, all)),
    ],
  };
  return [...(id ? [make('x-request-id', '%[uuid()]')] : []), ...traces[trace]];
}

const [trace1, trace2] = ['txn.synapse_trace', 'txn.synapse_span'];

/** Where a UUID has its digits, and where 16 of them are random; to cut them out costs less than to replace its hyphens. */
const all = ['0,8', '9,4', '14,4', '19,4', '24,12'];
const ends = ['0,8', '24,8'];
const hex = (variable: string, parts: readonly string[]) =>
  parts.map((part) => `%[var(${variable}),bytes(${part})]`).join('');

const random = (unless: string) =>
  [trace1, trace2].map(
    (variable) => `http-request set-var(${variable}) uuid() unless { req.hdr(${unless}) -m found }`,
  );
