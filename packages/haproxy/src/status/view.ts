import type { PageView } from '@smartstack/daemon';
import type {
  Ejection,
  ExplainedServer,
  MeasuredServer,
  ProxyStatus,
  ProxyView,
  ServerState,
  ShownServer,
  StateMeaning,
} from '@smartstack/proxy';

import { type HaproxyConfig, type HaproxyService, haproxySchema } from '../config/config.ts';
import { sectionOf } from '../config/section.ts';
import { serverName } from '../render/server.ts';
import { directives } from './directives.ts';
import { missing, type statusOf, unresolved } from './status.ts';

/** How people are shown what HAProxy does. */
export const view: ProxyView<HaproxyConfig, HaproxyService> = {
  serverName,
  hints: {
    requests: 'Requests a second that HAProxy took for this service; connections where it is TCP',
    errors:
      'Answers with status 5xx a second, HAProxy’s own included; failed connections and answers where it is TCP',
    average:
      'HAProxy’s moving average over about the last 1,024 answers of how long servers took to begin an answer (to connect, where it is TCP). The percentiles are of this average, taken once a second, and not of single requests.',
    percentiles:
      'Of a service with an HTTP policy HAProxy counts every answer, its own included, by how long it took from the request’s arrival to the answer’s head: p50, p95 and p99 are of the requests of the last second, interpolated within the bucket that they fall into',
  },
  facts,
  placeOf,
  stateOf,
  meaningOf,
  explain,
  policy: async (...input) => directives(...input),
};

/** Where apps reach a service. */
function placeOf(
  own: HaproxyService | undefined,
  config: HaproxyConfig | undefined,
): string | undefined {
  if (!own) return undefined;
  const { port, bind_address: bound, shared_frontend: shared } = own;
  const address = bound ?? (sectionOf(config) ?? haproxySchema.parse({})).bind_address;
  if (port === undefined) return shared ? 'the shared frontend' : 'its backend only';
  return port === null ? address : `${address}:${port}`;
}

function facts(status: ProxyStatus): PageView['facts'] {
  const { version, mode, file, reload } = status as Partial<ReturnType<typeof statusOf>> &
    ProxyStatus;
  if (mode === 'none') return [['HAProxy', 'none is asked for', 'good']];
  const waiting = Object.values(reload?.waitingFor ?? {});
  return [
    ['HAProxy', version ? `${version}, ${mode}` : 'does not run yet', version ? 'good' : 'warn'],
    ['its file', file ?? 'not written yet', file === 'in step' ? 'good' : 'warn'],
    ...(waiting.length > 0 ? [['reload waits', waiting.join(', '), 'warn'] as const] : []),
  ];
}

/** What HAProxy makes of a server; what synapse did to it says more than HAProxy's word for it. */
function stateOf(shown: ShownServer | undefined, seen: MeasuredServer | undefined): ServerState {
  const own = shown?.state;
  const since = seen?.since;
  if (own === unresolved) return { state: 'not in the proxy', tone: 'bad', reason: own };
  if (own === undefined || own.startsWith(missing))
    return {
      state: 'not in the proxy',
      tone: 'warn',
      reason: 'not added yet, or its host does not resolve',
    };
  if (own.endsWith('by operator')) return { state: own, tone: 'warn', since };
  if (own === 'leaving' || own === 'parked') return { state: own, tone: 'idle', since };
  if (seen?.ejected) return ejectedState(seen.ejected);
  if (!seen && shown?.ejected) {
    const { since, why, back } = shown.ejected;
    const times = { since: Date.parse(since), until: back ? Date.parse(back) : undefined };
    return { state: own, tone: 'bad', ...times, reason: why };
  }
  if (!seen) return { state: own, tone: own === 'down' ? 'bad' : 'good' };
  const { state, tone, reason } = wordOf(seen);
  return { state, tone, reason, since };
}

function meaningOf(state: string): StateMeaning {
  if (/^(up|added)/.test(state)) return 'up';
  if (state === 'leaving' || state === 'parked') return 'leaving';
  return state.startsWith('not known') ? 'unknown' : 'down';
}

function ejectedState({ since, why, back, time }: Ejection): ServerState {
  const again = `tried again every ${time / 1000} s: it does not accept connections`;
  const reason = back === undefined ? `${why}; ${again}` : why;
  return { state: 'ejected', tone: 'bad', since, until: back, reason };
}

/** HAProxy's words are those of section 9.1 of its management guide. */
function wordOf({ status, reason }: MeasuredServer): Omit<ServerState, 'since'> {
  if (status === 'UP') return { state: 'up', tone: 'good' };
  if (status === 'no check') return { state: 'up, unchecked', tone: 'good' };
  const state = status.toLowerCase();
  // Not checked yet: with a policy the first check may be a minute away.
  if (/^UP/.test(status) && reason.startsWith('INI')) return { state: 'up', tone: 'good' };
  if (/^UP/.test(status)) return { state, tone: 'warn', reason };
  if (/^DOWN/.test(status)) return { state, tone: 'bad', reason };
  if (/^(MAINT|DRAIN)/.test(status)) return { state, tone: 'idle', reason };
  return { state, tone: 'warn', reason };
}

/** What HAProxy makes of a member, or why it is not there. */
function explain(member: ExplainedServer<HaproxyService>) {
  return { served: member.state !== unresolved, why: whyOf(member) };
}

function whyOf({ state, ejected, own, status, refused }: ExplainedServer<HaproxyService>): string {
  if (state === unresolved) return `not in the proxy: ${state}`;
  if (state?.startsWith(missing)) return `not in the proxy yet${state.slice(missing.length)}`;
  if (ejected) {
    const end = ejected.back ?? 'it accepts connections again';
    return `in the proxy: ejected since ${ejected.since} until ${end}: ${ejected.why}`;
  }
  if (state !== undefined) return `in the proxy: ${state}`;
  if (refused) return `not in the proxy: quarantined: ${refused.reason}`;
  if (status.mode === 'none' && status.why !== undefined) return `not proxied: ${status.why}`;
  if (!own) return 'not proxied: the service has no haproxy section';
  if (own.disabled) return 'not proxied: haproxy.disabled is true';
  return status.trouble ? `not in the proxy: ${status.trouble}` : 'not in the proxy yet';
}
