import {
  isIn,
  type Matched,
  matchRoute,
  type Policy,
  type PolicyRequest,
  type Route,
  subsetText,
} from '@smartstack/policy';

import type { PolicyLook } from './look.ts';

/** What would become of one request, which is not sent. */
export interface TriedRequest {
  readonly service: string;
  readonly request: PolicyRequest;
  readonly route: Matched & { readonly at: string | null };
  /** What happens to it; all that is absent does not. */
  readonly answer?: Pick<Route, 'respond' | 'redirect'>;
  readonly rewritten?: { readonly url: string; readonly host?: string };
  readonly headers?: Route['headers'];
  readonly fault?: Route['fault'];
  readonly rate_limit?: Route['rate_limit'];
  readonly limits?: Policy['limits'];
  readonly targets: readonly TriedTarget[];
  /** How it is tried, by the service whose members it goes to. */
  readonly tries: readonly Tries[];
}

/** Where a share of such requests goes. */
export interface TriedTarget {
  readonly service: string;
  readonly subset: string;
  /** From 0 to 1. */
  readonly share: number;
  /** How many members there are; null where its discovery has not answered. */
  readonly members: number | null;
}

export interface Tries {
  readonly service: string;
  /** Undefined of a service without a policy. */
  readonly policy: Pick<Policy, 'timeouts' | 'retries'> | undefined;
  /** Whether one that was sent may be sent once more. */
  readonly resent: boolean;
}

export function tryRequest(look: PolicyLook, policy: Policy, request: PolicyRequest): TriedRequest {
  const { name, loaded, proxy } = look;
  const routes = policy.routes ?? [];
  const matched = matchRoute(routes, request, proxy.config.queryReading);
  const route: Route = routes[matched.index ?? -1] ?? {};
  const { headers, fault, rate_limit, respond, redirect } = route;
  const rewritten = rewrittenBy(route, request);
  const targets = respond || redirect ? [] : targetsOf(route, look);
  const services = [...new Set(targets.map(({ service }) => service))];
  return {
    service: name,
    request,
    route: { ...matched, at: placeOf(matched, look, loaded.source.locate) },
    ...(respond || redirect ? { answer: { respond, redirect } } : {}),
    ...(rewritten && { rewritten }),
    ...(headers && { headers }),
    ...(fault && { fault }),
    ...(rate_limit && { rate_limit }),
    ...(policy.limits && { limits: policy.limits }),
    targets,
    tries: services.map((service) => triesOf(service, { look, policy, route, request })),
  };
}

function placeOf(
  { index }: Matched,
  { name, service }: PolicyLook,
  locate: PolicyLook['loaded']['source']['locate'],
): string | null {
  if (index === undefined) return null;
  const origin = service.policy?.origins.get('routes');
  if (origin === 'service') return locate(['services', name, 'policy', 'routes', index]);
  return origin === 'defaults' ? locate(['defaults', 'policy', 'routes', index]) : null;
}

function targetsOf({ to = [{ weight: 1 }] }: Route, look: PolicyLook): readonly TriedTarget[] {
  const sum = to.reduce((total, { weight }) => total + weight, 0);
  return to.map(({ service = look.name, subset = {}, weight }) => {
    const other = service === look.name ? look.service : look.snapshot.get(service);
    const members = other?.instances ?? (other?.defaults.length ? other.defaults : undefined);
    return {
      service,
      subset: subsetText(subset),
      share: weight / sum,
      members: members?.filter((member) => isIn(member, subset)).length ?? null,
    };
  });
}

interface TriesInput {
  readonly look: PolicyLook;
  readonly policy: Policy;
  readonly route: Route;
  readonly request: PolicyRequest;
}

/** Another service's members are tried as its own policy says. */
function triesOf(service: string, { look, policy, route, request }: TriesInput): Tries {
  const isOwn = service === look.name;
  const of = isOwn ? policy : look.snapshot.get(service)?.policy?.policy;
  if (!of) return { service, policy: undefined, resent: false };
  const { timeouts, retries } = isOwn
    ? {
        timeouts: { ...of.timeouts, ...route.timeouts },
        retries: { ...of.retries, ...route.retries },
      }
    : of;
  const { attempts = 0, on = [], methods = [] } = retries ?? {};
  const resent =
    attempts > 0 &&
    on.some((cause) => cause !== 'connect_failure') &&
    methods.includes(request.method);
  return { service, policy: { timeouts, retries }, resent };
}

/** What members see of the URL and the host. */
export function rewrittenBy(
  { rewrite, match = {} }: Route,
  { url }: PolicyRequest,
): TriedRequest['rewritten'] {
  if (!rewrite) return undefined;
  const [path = ''] = url.split('?', 1);
  const query = url.slice(path.length);
  const { path_prefix: to, host } = rewrite;
  const next = to === undefined ? path : pathWith(path, match.path_prefix, to);
  return { url: `${next}${query}`, ...(host !== undefined && { host }) };
}

function pathWith(path: string, prefix: string | undefined, to: string): string {
  if (prefix === undefined) return to;
  const below = path.slice(prefix.replace(/\/$/, '').length);
  return to.endsWith('/') ? `${to}${below.replace(/^\//, '')}` : `${to}${below}`;
}
