import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import type { Route } from '@smartstack/policy';

import {
  type RateLimit_ActionSchema,
  RateLimit_Action_MetaData_Source as Source,
} from '../proto/envoy/config/route/v3/route_components_pb.ts';
import type { LocalRateLimitDescriptorSchema } from '../proto/envoy/extensions/common/ratelimit/v3/ratelimit_pb.ts';
import { LocalRateLimitSchema } from '../proto/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts';
import { clientNote } from './clients.ts';
import { set } from './headers.ts';
import { fractionOf, timeOf, unlimited } from './values.ts';

/** The name of the filter that limits. */
export const limitFilter = 'envoy.filters.http.local_ratelimit';

/** A route with its name. */
export interface NamedRoute {
  readonly name: string;
  readonly route: Route;
}

type Limit = NonNullable<Route['rate_limit']>;

/** Who has a bucket: all clients one, or each its own, known by something of the request or by its address. */
const kinds = ['all', 'client', 'source'] as const;
type Kind = (typeof kinds)[number];

const kindOf = ({ by }: Limit): Kind =>
  by === undefined ? 'all' : by === 'source' ? by : 'client';

/**
 * How often requests are served, of all routes together: a route that Envoy has twice, for two kinds of methods, has
 * one bucket so. Undefined where there is no limit.
 */
export function rateLimitsOf(routes: readonly NamedRoute[]): Any | undefined {
  const limited = routes.flatMap(({ name, route: { rate_limit: limit } }) =>
    limit ? [{ name, limit }] : [],
  );
  if (limited.length === 0) return undefined;
  const shortest = Math.min(...limited.map(({ limit }) => limit.per));
  return anyPack(
    LocalRateLimitSchema,
    create(LocalRateLimitSchema, {
      statPrefix: 'rate_limit',
      // Of requests of no limited route.
      tokenBucket: { maxTokens: unlimited, tokensPerFill: unlimited, fillInterval: timeOf(1000) },
      filterEnabled: always,
      filterEnforced: always,
      responseHeadersToAdd: [set('retry-after', String(Math.max(1, Math.ceil(shortest / 1000))))],
      rateLimits: kinds.map((kind) => ({ actions: actions[kind] })),
      descriptors: limited.map(({ name, limit }) => descriptorOf(name, limit)),
      alwaysConsumeDefaultTokenBucket: false,
      maxDynamicDescriptors: mostClients,
    }),
  );
}

/** How many clients have buckets of their own at a time; the one that was not seen longest loses its own. */
const mostClients = 100_000;

const always = { defaultValue: fractionOf(1) };

/** What a limited route says of itself, by which its bucket is found. */
export function limitNote({
  name,
  route: { rate_limit: limit },
}: NamedRoute): JsonObject | undefined {
  return limit && { [kindOf(limit)]: name };
}

/** Where it says that. */
export const limitNamespace = 'synapse.limit';

/** An entry without a value stands for each value, with a bucket of its own. */
function descriptorOf(
  name: string,
  limit: Limit,
): MessageInitShape<typeof LocalRateLimitDescriptorSchema> {
  const { requests, burst, per } = limit;
  const kind = kindOf(limit);
  const client = { all: [], client: [{ key: 'client' }], source: [{ key: 'remote_address' }] };
  return {
    entries: [{ key: kind, value: name }, ...client[kind]],
    tokenBucket: {
      maxTokens: requests + burst,
      tokensPerFill: requests,
      fillInterval: timeOf(per),
    },
  };
}

type Action = MessageInitShape<typeof RateLimit_ActionSchema>;

const routeOf = (kind: Kind): Action => ({
  actionSpecifier: {
    case: 'metadata',
    value: {
      descriptorKey: kind,
      metadataKey: keyIn(limitNamespace, kind),
      source: Source.ROUTE_ENTRY,
    },
  },
});

const keyIn = (key: string, part: string) => ({
  key,
  path: [{ segment: { case: 'key' as const, value: part } }],
});

/** What of a request and its route is looked up among the descriptors. */
const actions: Readonly<Record<Kind, Action[]>> = {
  all: [routeOf('all')],
  client: [
    routeOf('client'),
    {
      actionSpecifier: {
        case: 'metadata',
        value: {
          descriptorKey: 'client',
          metadataKey: keyIn(clientNote.namespace, clientNote.key),
          source: Source.DYNAMIC,
        },
      },
    },
  ],
  source: [routeOf('source'), { actionSpecifier: { case: 'remoteAddress', value: {} } }],
};
