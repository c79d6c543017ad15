import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type Key,
  type Policy,
  type Route,
  restRoute,
  routeNames,
  type Subset,
} from '@smartstack/policy';

import type {
  RouteActionSchema,
  RouteSchema,
} from '../proto/envoy/config/route/v3/route_components_pb.ts';
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '../proto/envoy/config/route/v3/route_pb.ts';
import { answerHeaders, answerOf } from './answers.ts';
import { clientFilter, clientReaderOf } from './clients.ts';
import { faultFilter, faultOf } from './faults.ts';
import { hashPolicyOf } from './hashing.ts';
import { headersOf, type set } from './headers.ts';
import { matchOf, methodGroups, methodIn } from './match.ts';
import { mirrorOf } from './mirror.ts';
import { limitFilter, limitNamespace, limitNote, rateLimitsOf } from './rate-limit.ts';
import { sentOnceOf, triesOf, type Words } from './retries.ts';
import { rewriteOf } from './rewrite.ts';
import { timeOf } from './values.ts';

/** Where a route's requests go, and by what of them members are chosen there. */
export interface Targets {
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
  readonly keys: readonly Key[];
}

export interface RoutesInput {
  readonly service: string;
  readonly policy: Policy;
  /** The targets of each route, and in the end of requests that no route matches. */
  readonly targets: readonly Targets[];
  clusterOf(service: string, subset?: Subset): string;
}

type RouteInit = MessageInitShape<typeof RouteSchema>;

/** The routes of a service: the first that matches counts. */
export function routesOf(input: RoutesInput): RouteConfiguration {
  const { service, policy, targets } = input;
  const routes = policy.routes ?? [];
  const names = routeNames(routes);
  const all = [...routes.map((route, at) => ({ route, name: names[at] ?? '' })), rest];
  const limits = rateLimitsOf(all);
  return create(RouteConfigurationSchema, {
    name: service,
    virtualHosts: [
      {
        name: service,
        domains: ['*'],
        typedPerFilterConfig: limits ? { [limitFilter]: limits } : {},
        routes: all.flatMap(({ route, name }, at) =>
          byMethods(route).flatMap((part) =>
            routesFor({ ...input, route: part, name, targets: targets[at] ?? nowhere }),
          ),
        ),
      },
    ],
  });
}

const rest = { route: {} as Route, name: restRoute };
const nowhere: Targets = { clusters: [], keys: [] };

interface One extends Omit<RoutesInput, 'targets'> {
  readonly route: Route;
  readonly name: string;
  readonly targets: Targets;
}

/** A route, in parts where it matches more methods than one condition takes. */
function byMethods(route: Route): readonly Route[] {
  const { methods } = route.match ?? {};
  if (!methods) return [route];
  return methodGroups(methods).map((group) => ({
    ...route,
    match: { ...route.match, methods: [...group] },
  }));
}

/** A route; two where only some of its methods may be sent a second time. */
function routesFor(one: One): readonly RouteInit[] {
  const { route, policy } = one;
  const words = wordsOf(policy, route);
  const answer = answerOf(route);
  if (answer) return [routeOf(one, { action: answer, responseHeaders: answerHeaders(route) })];
  const once = sentOnceOf(words);
  if (!once) return [sentOn(one, words)];
  const { methods = [] } = words.retries ?? {};
  const again = methodGroups(methods).map((group) => sentOn(one, words, [methodIn(group)]));
  return [...again, sentOn(one, once)];
}

/** What counts of the service's words for this route's requests. */
function wordsOf(policy: Policy, route: Route): Words {
  return {
    timeouts: { ...policy.timeouts, ...route.timeouts },
    retries: { ...policy.retries, ...route.retries },
    hedge: route.hedge ?? policy.hedge,
  };
}

type Conditions = readonly ReturnType<typeof methodIn>[];

function sentOn(one: One, words: Words, conditions: Conditions = []): RouteInit {
  const { route, targets } = one;
  const value: MessageInitShape<typeof RouteActionSchema> = {
    clusterSpecifier: clusterSpecifierOf(targets),
    ...triesOf(words),
    ...idleOf(words),
    ...rewriteOf(route),
    requestMirrorPolicies: mirrorOf(route, one.clusterOf),
    hashPolicy: targets.keys.map(hashPolicyOf),
  };
  return routeOf(one, { action: { case: 'route', value }, conditions });
}

/** What a route does, with what that needs beside the route's own words. */
interface Done {
  readonly action: NonNullable<RouteInit['action']>;
  readonly responseHeaders?: readonly HeaderInit[];
  readonly conditions?: Conditions;
}

type HeaderInit = ReturnType<typeof set>;

function routeOf({ route, name }: One, done: Done): RouteInit {
  const { action, responseHeaders = [], conditions = [] } = done;
  const filters = [
    [faultFilter, faultOf(route)],
    [clientFilter, clientReaderOf(route)],
  ] as const;
  const { responseHeadersToAdd, ...headers } = headersOf(route);
  const match = matchOf(route.match ?? {});
  const note = limitNote({ name, route });
  return {
    name,
    statPrefix: name,
    match: { ...match, headers: [...match.headers, ...conditions] },
    action,
    ...(note && { metadata: { filterMetadata: { [limitNamespace]: note } } }),
    typedPerFilterConfig: Object.fromEntries(
      filters.flatMap(([filter, config]) => (config ? [[filter, config]] : [])),
    ),
    responseHeadersToAdd: [...responseHeadersToAdd, ...responseHeaders],
    ...headers,
  };
}

function clusterSpecifierOf({
  clusters,
}: Targets): NonNullable<MessageInitShape<typeof RouteActionSchema>['clusterSpecifier']> {
  const [first, ...others] = clusters;
  return others.length === 0
    ? { case: 'cluster', value: first?.name ?? '' }
    : {
        case: 'weightedClusters',
        value: { clusters: clusters.map(({ name, weight }) => ({ name, weight })) },
      };
}

/** While a member has time to answer, nothing has to come from it. */
function idleOf({ timeouts: { idle, request, per_try: perTry } = {} }: Words) {
  const longest = Math.max(idle ?? 0, request ?? 0, perTry ?? 0);
  return idle === undefined || longest === idle ? {} : { idleTimeout: timeOf(longest) };
}
