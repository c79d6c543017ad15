import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import type { Key, Route } from '@smartstack/policy';

import type { RateLimitSchema } from '../proto/envoy/config/route/v3/route_components_pb.ts';
import type { LocalRateLimitDescriptorSchema } from '../proto/envoy/extensions/common/ratelimit/v3/ratelimit_pb.ts';
import { LocalRateLimitSchema } from '../proto/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts';
import { set } from './headers.ts';
import { fractionOf, timeOf } from './values.ts';

/** The name of the filter that limits. */
export const limitFilter = 'envoy.filters.http.local_ratelimit';

type Limit = NonNullable<Route['rate_limit']>;

/** How often requests of a route are served; undefined where there is no limit. */
export function rateLimitOf({ rate_limit: limit }: Route): Any | undefined {
  if (!limit) return undefined;
  const { by } = limit;
  return anyPack(
    LocalRateLimitSchema,
    create(LocalRateLimitSchema, {
      statPrefix: 'rate_limit',
      // Of requests without what tells clients apart: these are one client's.
      tokenBucket: bucketOf(limit),
      filterEnabled: always,
      filterEnforced: always,
      responseHeadersToAdd: [set('retry-after', String(Math.max(1, Math.ceil(limit.per / 1000))))],
      ...(by !== undefined && {
        rateLimits: [clientOf(by)],
        descriptors: [descriptorOf(limit, by)],
        alwaysConsumeDefaultTokenBucket: false,
        maxDynamicDescriptors: mostClients,
      }),
    }),
  );
}

/** How many clients have buckets of their own at a time; the one that was not seen longest loses its own. */
const mostClients = 100_000;

const always = { defaultValue: fractionOf(1) };

const bucketOf = ({ requests, burst, per }: Limit) => ({
  maxTokens: requests + burst,
  tokensPerFill: requests,
  fillInterval: timeOf(per),
});

/** An entry without a value stands for each value, with a bucket of its own. */
const descriptorOf = (
  limit: Limit,
  by: Key,
): MessageInitShape<typeof LocalRateLimitDescriptorSchema> => ({
  entries: [{ key: by === 'source' ? 'remote_address' : clientKey }],
  tokenBucket: bucketOf(limit),
});

const clientKey = 'client';

/** What of a request is looked up among the descriptors. */
function clientOf(by: Key): MessageInitShape<typeof RateLimitSchema> {
  if (by === 'source')
    return { actions: [{ actionSpecifier: { case: 'remoteAddress', value: {} } }] };
  const headerName = 'header' in by ? by.header : 'cookie';
  const value = { headerName, descriptorKey: clientKey };
  return { actions: [{ actionSpecifier: { case: 'requestHeaders', value } }] };
}
