import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Key, type Policy, type Route, restRoute, routeNames } from '@smartstack/policy';

import { faultFilter, faultOf } from '../policy/faults.ts';
import { hashPolicyOf } from '../policy/hashing.ts';
import type { Targets } from '../policy/routes.ts';
import type {
  RouteAction_HashPolicySchema,
  RouteActionSchema,
  RouteSchema,
} from '../proto/envoy/config/route/v3/route_components_pb.ts';
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '../proto/envoy/config/route/v3/route_pb.ts';
import { grpcMatchOf } from './match.ts';
import { grpcName, grpcNameOf } from './names.ts';
import { durationOf, retriesOf } from './tries.ts';

export interface GrpcRoutesInput {
  readonly service: string;
  readonly policy: Policy;
  /** Of each route, and in the end of calls that no route matches. */
  readonly targets: readonly Targets[];
}

type RouteInit = MessageInitShape<typeof RouteSchema>;

/** The routes of a service's calls: the first that matches counts; one that no call can match is left out. */
export function grpcRoutesOf({ service, policy, targets }: GrpcRoutesInput): RouteConfiguration {
  const routes: readonly Route[] = [...(policy.routes ?? []), {}];
  const names = [...routeNames(policy.routes ?? []), restRoute];
  return create(RouteConfigurationSchema, {
    name: grpcName(service),
    virtualHosts: [
      {
        name: service,
        domains: ['*'],
        routes: routes.flatMap((route, at) =>
          routeOf(route, { policy, name: names[at] ?? '', targets: targets[at] }),
        ),
      },
    ],
  });
}

interface Around {
  readonly policy: Policy;
  readonly name: string;
  readonly targets: Targets | undefined;
}

function routeOf(route: Route, { policy, name, targets }: Around): readonly RouteInit[] {
  const match = grpcMatchOf(route.match ?? {});
  if (!match || !targets) return [];
  const fault = faultOf(answered(route));
  const retryPolicy = retriesOf({ ...policy.retries, ...route.retries });
  const value: MessageInitShape<typeof RouteActionSchema> = {
    clusterSpecifier: clustersOf(targets),
    ...durationOf({ ...policy.timeouts, ...route.timeouts }),
    ...(retryPolicy && { retryPolicy }),
    hashPolicy: targets.keys.flatMap(hashOf),
  };
  return [
    {
      name,
      match,
      action: { case: 'route', value },
      ...(fault && { typedPerFilterConfig: { [faultFilter]: fault } }),
    },
  ];
}

/** A client answers no call by itself, but it can fail each one: with the status that gRPC has for one of HTTP. */
function answered(route: Route): Route {
  const { respond, redirect } = route;
  if (!respond && !redirect) return route;
  const { status = notImplemented } = respond ?? {};
  return { fault: { abort: { status: status < 300 ? notImplemented : status, share: 1 } } };
}

/** Clients make `UNIMPLEMENTED` of it. */
const notImplemented = 404;

function clustersOf({
  clusters,
}: Targets): NonNullable<MessageInitShape<typeof RouteActionSchema>['clusterSpecifier']> {
  const [first, ...others] = clusters;
  return others.length === 0
    ? { case: 'cluster', value: grpcNameOf(first?.name ?? '') }
    : {
        case: 'weightedClusters',
        value: {
          clusters: clusters.map(({ name, weight }) => ({ name: grpcNameOf(name), weight })),
        },
      };
}

/** What of a call says which member it goes to: an application is its own source, and it has no cookies. */
function hashOf(key: Key): readonly MessageInitShape<typeof RouteAction_HashPolicySchema>[] {
  if (key === 'source')
    return [{ policySpecifier: { case: 'filterState', value: { key: 'io.grpc.channel_id' } } }];
  return 'header' in key ? [hashPolicyOf(key)] : [];
}
