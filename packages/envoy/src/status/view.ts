import type { PageView } from '@smartstack/daemon';
import type {
  Ejection,
  ExplainedServer,
  MeasuredServer,
  ProxyStatus,
  ProxyView,
  ServerState,
  ShownServer,
} from '@smartstack/proxy';

import type { EnvoyConfig, EnvoyService } from '../config/config.ts';
import { placeText } from '../config/explain.ts';
import { listensAt } from '../config/section.ts';
import { grpcDirectives } from '../grpc/directives.ts';
import { nameOf } from '../resources/members.ts';
import { meaningOf, states } from './states.ts';

/** What Envoy's driver says of itself beside what every driver does. */
export interface EnvoyStatus extends ProxyStatus {
  /** Of the Envoy that runs; absent where none answers. */
  readonly version?: string | null;
  /** Whether Envoy has what is served: `in step`, or how it is not. */
  readonly resources?: string;
}

/** How people are shown what Envoy does. */
export const view: ProxyView<EnvoyConfig, EnvoyService> = {
  serverName: nameOf,
  hints: {
    requests: 'Requests a second that Envoy took for this service; connections where it is TCP',
    errors:
      'Answers with status 5xx a second, Envoy’s own included; failed connections where it is TCP',
    average:
      'Of a service without an HTTP policy Envoy’s own average of the last seconds, from the request to the end of its answer (of a connection’s length, where it is TCP)',
    percentiles:
      'Of a service with an HTTP policy Envoy counts every answer, its own included, by how long it took: p50, p95 and p99 are of the requests of the last second, interpolated within the bucket that they fall into',
  },
  facts,
  placeOf: (own, config) => {
    if (!own) return undefined;
    const listener = listensAt(own, config);
    return listener ? placeText(listener) : 'its cluster only';
  },
  stateOf,
  meaningOf,
  explain,
  policy: async (...input) => {
    const { directives } = await import('./directives.ts');
    return [...directives(...input), ...grpcDirectives(...input)];
  },
};

function facts(status: ProxyStatus): PageView['facts'] {
  const { version, mode, resources } = status as EnvoyStatus;
  if (mode === 'none') return [['Envoy', 'none is asked for', 'good']];
  const isInStep = resources === 'in step';
  return [
    ['Envoy', version ? `${version}, ${mode}` : 'does not answer yet', version ? 'good' : 'warn'],
    ['its resources', resources ?? 'not served yet', isInStep ? 'good' : 'warn'],
  ];
}

/** What Envoy makes of a member. */
function stateOf(shown: ShownServer | undefined, seen: MeasuredServer | undefined): ServerState {
  const own = shown?.state;
  if (own === undefined || own.startsWith(states.missing))
    return {
      state: 'not in the proxy',
      tone: 'warn',
      reason: reasonIn(own) ?? 'Envoy has not confirmed it yet',
    };
  if (own === states.draining) return { state: own, tone: 'idle', since: seen?.since };
  if (seen?.ejected) return ejectedState(seen.ejected);
  if (shown?.ejected) {
    const { since, why, back } = shown.ejected;
    return ejectedState({
      since: Date.parse(since),
      why,
      ...(back !== null && { back: Date.parse(back) }),
    });
  }
  const state = seen?.status.toLowerCase() ?? own;
  return { state, tone: toneOf(state), since: seen?.since, reason: seen?.reason || undefined };
}

function toneOf(state: string): ServerState['tone'] {
  if (state === states.healthy) return 'good';
  if (state === states.draining) return 'idle';
  return state === states.degraded || state.startsWith(states.unknown) ? 'warn' : 'bad';
}

function ejectedState({ since, why, back }: Pick<Ejection, 'since' | 'why' | 'back'>): ServerState {
  return { state: states.ejected, tone: 'bad', since, until: back, reason: why };
}

/** What stands behind the colon of a state. */
const reasonIn = (state: string | undefined) => state?.split(': ').slice(1).join(': ') || undefined;

/** What Envoy makes of a member, or why it is not there. */
function explain(member: ExplainedServer<EnvoyService>) {
  return { served: true, why: whyOf(member) };
}

function whyOf({ state, ejected, own, status, refused }: ExplainedServer<EnvoyService>): string {
  if (state?.startsWith(states.missing))
    return `not in the proxy yet${state.slice(states.missing.length)}`;
  if (ejected) {
    const end = ejected.back === null ? '' : ` until ${ejected.back}`;
    return `in the proxy: ejected by outlier detection since ${ejected.since}${end}: ${ejected.why}`;
  }
  if (state !== undefined) return `in the proxy: ${state}`;
  if (refused)
    return `not in the proxy: Envoy refused the resources of this service: ${refused.reason}`;
  if (status.mode === 'none' && status.why !== undefined) return `not proxied: ${status.why}`;
  if (!own) return 'not proxied: the service is not served by envoy';
  if (own.disabled) return 'not proxied: envoy.disabled is true';
  return status.trouble ? `not in the proxy: ${status.trouble}` : 'not in the proxy yet';
}
