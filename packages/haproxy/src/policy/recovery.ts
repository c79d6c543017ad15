import { type Balance, type Policy, routeNames } from '@smartstack/policy';

import { fetchOf } from './actions.ts';
import { serviceCounter } from './observe.ts';
import { timeOf } from './quote.ts';
import { isHttp, type Traffic } from './traffic.ts';

/** Lines of a backend: how long, how often, and by whom requests are answered. */
export function backendLines(traffic: Traffic, backend: string): readonly string[] {
  const { policy } = traffic;
  const { connect, queue, idle } = policy.timeouts ?? {};
  return [
    `mode ${isHttp(traffic) ? 'http' : 'tcp'}`,
    ...(connect === undefined ? [] : [`timeout connect ${timeOf(connect)}`]),
    ...(queue === undefined ? [] : [`timeout queue ${timeOf(queue)}`]),
    ...(idle === undefined ? [] : [`timeout tunnel ${timeOf(idle)}`]),
    ...serverTimeLines(traffic),
    ...balanceLines(policy.balance ?? 'round_robin'),
    ...retryLines(traffic),
    ...pendingLines(traffic, backend),
  ];
}

function pendingLines(traffic: Traffic, backend: string): readonly string[] {
  const { pending } = traffic.policy.limits ?? {};
  if (pending === undefined) return [];
  const over = tooMany(backend, pending);
  if (!isHttp(traffic)) return [`tcp-request content reject if ${over}`];
  return [
    `http-request set-var(txn.synapse_reason) str(limit) if ${over}`,
    `http-request deny status 503 if ${over}`,
  ];
}

/** Whether a request would be one too many to wait: where none may, whether no member is free. */
const tooMany = (backend: string, pending: number) =>
  pending === 0 ? `{ be_conn_free(${backend}) eq 0 }` : `{ queue(${backend}) ge ${pending} }`;

/** How long one member may take: as said, or an equal part of the whole request's time. */
function serverTime(policy: Policy): number | undefined {
  const { per_try: perTry, request, idle } = policy.timeouts ?? {};
  if (perTry !== undefined) return perTry;
  if (request === undefined) return idle;
  const { attempts = 0, on = [] } = policy.retries ?? {};
  // A try of which nothing was sent takes no time of the others.
  const isSentOnce = on.every((cause) => cause === 'connect_failure');
  return isSentOnce ? request : request / (1 + attempts);
}

/** Requests of other services' routes come here too: a route's name alone does not tell them apart. */
function serverTimeLines({ service, policy, visits = [] }: Traffic): readonly string[] {
  const all = serverTime(policy);
  const names = routeNames(policy.routes ?? []);
  const own = (policy.routes ?? []).flatMap(({ timeouts }, index) =>
    timeouts ? [{ key: `${service}/${names[index]}`, timeouts }] : [],
  );
  const lines = [...own, ...visits].flatMap(({ key, timeouts }) => {
    if (timeouts.per_try === undefined && timeouts.request === undefined) return [];
    const time = serverTime({ ...policy, timeouts: { ...policy.timeouts, ...timeouts } });
    return time === undefined
      ? []
      : [
          `http-request set-timeout server ${timeOf(time)} if { var(txn.synapse_key) -m str -- ${key} }`,
        ];
  });
  return [...(all === undefined ? [] : [`timeout server ${timeOf(all)}`]), ...lines];
}

function balanceLines(balance: Balance): readonly string[] {
  if (balance === 'round_robin') return ['balance roundrobin'];
  if (balance === 'least_request') return ['balance leastconn'];
  if (balance === 'random') return ['balance random(2)'];
  const key = 'ring_hash' in balance ? balance.ring_hash : balance.maglev;
  const by = key === 'source' ? 'balance source' : `balance hash ${fetchOf(key)}`;
  return [by, 'hash-type consistent'];
}

/** HAProxy's words for what a try may have failed of. */
const causes: Readonly<Record<string, string>> = {
  connect_failure: 'conn-failure',
  reset: 'empty-response',
  timeout: 'response-timeout',
};

/** The least retries of a service per second, whatever its budget says. */
const floor = 3;

/**
 * What was never sent is tried on another member whatever its method. What was sent is only for methods that
 * are named, and while the service's failures are fewer than its budget of retries.
 */
function retryLines({ policy, protocol }: Traffic): readonly string[] {
  const { attempts = 0, on = ['connect_failure'], methods = [], budget } = policy.retries ?? {};
  const lines = [`retries ${attempts}`, 'option redispatch 1'];
  if (protocol === 'tcp') return lines;
  lines.push(`retry-on ${on.map((cause) => causes[cause] ?? cause).join(' ') || 'none'}`);
  if (on.every((cause) => cause === 'connect_failure')) return lines;
  lines.push(`http-request disable-l7-retry unless { method -m str ${methods.join(' ')} }`);
  if (attempts === 0 || budget === undefined || budget >= 1) return lines;
  const counter = serviceCounter(policy);
  const failures = `sc_http_fail_rate(${counter})`;
  return [
    ...lines,
    // Rates are over 10 s. Each failure has cost all of its retries: at 20 % and two of them one in ten requests may fail.
    `http-request set-var(txn.synapse_failed) ${failures},mul(${attempts * 1000})`,
    `http-request set-var(txn.synapse_allowed) sc_http_req_rate(${counter}),mul(${Math.round(budget * 1000)}),sub(txn.synapse_failed)`,
    `http-request disable-l7-retry if { ${failures} ge ${Math.ceil((floor * 10) / attempts)} } { var(txn.synapse_allowed) -m int lt 0 }`,
  ];
}

/** Words of every server line of a backend. */
export function serverWords(traffic: Traffic): string {
  const { policy, isPanic } = traffic;
  const { outlier_ejection: ejection, slow_start: slowStart, limits } = policy;
  const words = [
    ...(traffic.protocol === 'http2' || traffic.protocol === 'grpc' ? ['proto h2'] : []),
    ...(limits?.per_member === undefined ? [] : [`maxconn ${limits.per_member}`]),
  ];
  if (isPanic) return words.join(' ');
  if (ejection) {
    const { errors, eject_for: ejectFor = 30_000 } = ejection;
    const step = timeOf(ejectFor / returns);
    words.push(
      // While it serves, a member is hardly asked: nerve judges it. After an ejection the last of some checks is
      // its return: of only one, which may be due already, an ejection could be over at once.
      `check inter ${timeOf(checkInterval)} fastinter ${step} downinter ${step} fall 3 rise ${returns}`,
      `observe ${isHttp(traffic) ? 'layer7' : 'layer4'} error-limit ${errors ?? 5} on-error mark-down`,
    );
  }
  if (slowStart !== undefined) words.push(`slowstart ${timeOf(slowStart)}`);
  return words.join(' ');
}

/** How often a member that serves is asked whether it accepts connections, in milliseconds. */
const checkInterval = 600_000;

/** How many checks an ejection lasts; the first may come at any time. */
const returns = 4;
