import type { Policy } from '@smartstack/policy';

import { accessLogLines, type LogTarget, logRules } from './access-log.ts';
import { actionLines } from './actions.ts';
import { backendChoice, splitLines } from './choice.ts';
import { allowFile } from './files.ts';
import { countLines, identityLines, sessionLines } from './observe.ts';
import { timeOf } from './quote.ts';
import { routeLines } from './routes.ts';
import { isHttp, type Traffic } from './traffic.ts';

/** What a policy adds to a frontend: settings, rules, and at the end the choice of a backend. */
export interface FrontendLines {
  readonly settings: readonly string[];
  readonly rules: readonly string[];
  readonly choice: readonly string[];
}

/** The lines of a service's frontend. */
export function frontendLines(traffic: Traffic, target: LogTarget): FrontendLines {
  const { files } = target;
  const { service, policy, front } = traffic;
  if (!front) return { settings: [], rules: [], choice: [] };
  const { idle } = policy.timeouts ?? {};
  const settings = [
    `mode ${isHttp(traffic) ? 'http' : 'tcp'}`,
    ...(idle === undefined ? [] : [`timeout client ${timeOf(idle)}`]),
    ...(idle === undefined || !isHttp(traffic) ? [] : [`timeout http-keep-alive ${timeOf(idle)}`]),
    ...accessLogLines(traffic, target),
  ];
  const input = { service, policy, front, map: files.map };
  const allowed = policy.allow
    ? [`tcp-request connection reject unless { src -f ${allowFile(files, service)} }`]
    : [];
  if (!isHttp(traffic))
    return {
      settings,
      rules: [...allowed, ...tcpLimits(traffic), ...splitLines(input, 'tcp-request content')],
      choice: backendChoice(input),
    };
  return {
    // Rules of connections come before those of requests: HAProxy warns of any other order.
    settings: [
      ...settings,
      ...allowed,
      ...connectionLimit(policy),
      ...sessionLines(service, policy),
    ],
    rules: [
      ...identityLines(policy),
      ...logRules(traffic),
      ...routeLines(policy),
      ...countLines(service, policy),
      ...limitLines(traffic),
      ...actionLines(input),
      ...splitLines(input),
    ],
    choice: backendChoice(input),
  };
}

function tcpLimits({ policy, front }: Traffic): readonly string[] {
  const { connections, requests } = policy.limits ?? {};
  const most = Math.min(connections ?? Infinity, requests ?? Infinity);
  return front && most < Infinity
    ? [`tcp-request connection reject if { fe_conn gt ${most} }`]
    : [];
}

/** More connections are refused. */
function connectionLimit({ limits: { connections } = {} }: Policy): readonly string[] {
  return connections === undefined
    ? []
    : [`tcp-request connection reject if { fe_conn gt ${connections} }`];
}

/** More requests are answered with 503. */
function limitLines({ policy, front }: Traffic): readonly string[] {
  const { requests } = policy.limits ?? {};
  const [first, ...others] = front?.backends ?? [];
  return [
    ...(requests === undefined || first === undefined
      ? []
      : [
          `http-request set-var(txn.synapse_busy) be_conn(${first})`,
          ...others.map(
            (backend) =>
              `http-request set-var(txn.synapse_busy) be_conn(${backend}),add(txn.synapse_busy)`,
          ),
          `http-request set-var(txn.synapse_reason) str(limit) if { var(txn.synapse_busy) -m int ge ${requests} }`,
          `http-request deny status 503 if { var(txn.synapse_busy) -m int ge ${requests} }`,
        ]),
  ];
}
