import { type Key, type Policy, type Route, routeNames } from '@smartstack/policy';

import { escaped, formatted, quoted } from './quote.ts';
import { routeAcl } from './routes.ts';
import { limitTable } from './tables.ts';
import { keyOf, whole } from './values.ts';

export interface ActionInput {
  readonly service: string;
  readonly policy: Policy;
  readonly map: string;
}

/** Lines for what routes do to requests beside sending them on, in the order in which it happens. */
export function actionLines({ service, policy, map }: ActionInput): readonly string[] {
  const names = routeNames(policy.routes ?? []);
  return (policy.routes ?? []).flatMap((route, index) => {
    const name = names[index] ?? '';
    const at = { service, name, acl: routeAcl(name), map };
    return [
      ...limitLines(route, at),
      ...faultLines(route, at),
      ...answerLines(route, at),
      ...rewriteLines(route, at),
      ...headerLines(route, at),
    ];
  });
}

interface At {
  readonly service: string;
  readonly name: string;
  readonly acl: string;
  readonly map: string;
}

/** Notes why HAProxy answers itself, for the access log. */
const because = (reason: string, condition: string) =>
  `http-request set-var(txn.synapse_reason) str(${reason}) if ${condition}`;

/** Whether an answer of this status ends with its headers, whatever else is said. */
const isBodiless = (status: number) => status === 204 || status === 304;

/** What was admitted counts, and what was refused does not: a client that goes on is served at its rate. */
function limitLines({ rate_limit: limit }: Route, at: At): readonly string[] {
  if (!limit) return [];
  const { acl } = at;
  const over = (counter: number) => `{ var(txn.synapse_over${counter}) -m int ge 0 }`;
  const count = (counter: number) => [
    `http-request set-var(txn.synapse_most) var(txn.synapse_limit),field(${counter + 1},:) if ${acl}`,
    `http-request set-var(txn.synapse_over${counter}) sc_gpc${counter}_rate(2),sub(txn.synapse_most) if ${acl}`,
  ];
  const counters = limit.burst > 0 ? [0, 1] : [0];
  const after = Math.max(1, Math.ceil(limit.per / 1000));
  return [
    ...clientLines(limit.by, acl),
    `http-request track-sc2 var(txn.synapse_client) table ${limitTable(at.service, at.name)} if ${acl}`,
    `http-request set-var(txn.synapse_limit) str(${keyOf(at.service, at.name, 'limit')}),map_str(${at.map}) if ${acl}`,
    ...counters.flatMap(count),
    ...counters.flatMap((counter) => [
      because('rate_limit', `${acl} ${over(counter)}`),
      `http-request deny status 429 hdr retry-after ${after} if ${acl} ${over(counter)}`,
    ]),
    ...counters.map((counter) => `http-request sc-inc-gpc${counter}(2) if ${acl}`),
  ];
}

/** Requests without what tells clients apart are one client's. */
function clientLines(by: Key | undefined, acl: string): readonly string[] {
  const set = (value: string, also = '') =>
    `http-request set-var(txn.synapse_client) ${value} if ${acl}${also}`;
  if (by === undefined) return [set('str(all)')];
  const fetch = fetchOf(by);
  return [set('str(none)'), set(`${fetch},xxh64`, ` { ${fetch} -m found }`)];
}

/** What of a request a key is, as HAProxy reads it. */
export function fetchOf(key: Key): string {
  if (key === 'source') return 'src';
  return 'header' in key ? `req.fhdr(${key.header})` : `req.cook(${key.cookie})`;
}

function faultLines({ fault = {} }: Route, at: At): readonly string[] {
  const { delay, abort } = fault;
  const hit = '{ var(txn.synapse_fault) -m int lt 0 }';
  const dice = (what: 'delay' | 'abort') => [
    `http-request set-var(txn.synapse_share) str(${keyOf(at.service, at.name, what)}),map_str(${at.map}) if ${at.acl}`,
    `http-request set-var(txn.synapse_fault) rand(${whole}),sub(txn.synapse_share) if ${at.acl}`,
  ];
  return [
    ...(delay
      ? [
          ...dice('delay'),
          `http-request lua.synapse_delay ${Math.round(delay.time)} if ${at.acl} ${hit}`,
        ]
      : []),
    ...(abort
      ? [
          ...dice('abort'),
          because('fault', `${at.acl} ${hit}`),
          `http-request return status ${abort.status} content-type text/plain string 'fault injected' if ${at.acl} ${hit}`,
        ]
      : []),
  ];
}

function answerLines({ respond, redirect }: Route, { acl }: At): readonly string[] {
  if (respond) {
    const { status, type, body } = respond;
    const content =
      body === '' || isBodiless(status)
        ? ''
        : ` content-type ${quoted(type)} string ${quoted(body)}`;
    return [because('respond', acl), `http-request return status ${status}${content} if ${acl}`];
  }
  if (!redirect) return [];
  const { status, scheme, host, path } = redirect;
  const where =
    path === undefined
      ? `prefix ${formatted(`${scheme}://${host}`)}`
      : `location ${formatted(host === undefined ? path : `${scheme}://${host}${path}`)}`;
  return [because('redirect', acl), `http-request redirect code ${status} ${where} if ${acl}`];
}

function rewriteLines({ rewrite = {}, match = {} }: Route, { acl }: At): readonly string[] {
  const { path_prefix: path, host } = rewrite;
  return [
    ...(path === undefined ? [] : [pathLine(path, match.path_prefix, acl)]),
    ...(host === undefined ? [] : [`http-request set-header host ${formatted(host)} if ${acl}`]),
  ];
}

function pathLine(path: string, prefix: string | undefined, acl: string): string {
  if (prefix === undefined) return `http-request set-path ${formatted(path)} if ${acl}`;
  const from = quoted(`^${escaped(prefix.replace(/\/$/, ''))}(/(.*))?$`);
  // What follows the prefix keeps its slash, and the root has one of its own.
  const to = path.endsWith('/') ? `${path}\\2` : `${path}\\1`;
  return `http-request replace-path ${from} ${formatted(to)} if ${acl}`;
}

function headerLines({ headers = {} }: Route, { acl }: At): readonly string[] {
  return (['request', 'response'] as const).flatMap((side) => {
    const { set = {}, add = {}, remove = [] } = headers[side] ?? {};
    const rule = `http-${side}`;
    return [
      ...remove.map((name) => `${rule} del-header ${name} if ${acl}`),
      ...Object.entries(set).map(
        ([name, value]) => `${rule} set-header ${name} ${formatted(value)} if ${acl}`,
      ),
      ...Object.entries(add).map(
        ([name, value]) => `${rule} add-header ${name} ${formatted(value)} if ${acl}`,
      ),
    ];
  });
}
