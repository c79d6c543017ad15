import type { MessageInitShape } from '@bufbuild/protobuf';

import { accessLogsOf } from '../policy/access-log.ts';
import { clientFilter, needsClients } from '../policy/clients.ts';
import { faultFilter } from '../policy/faults.ts';
import { filterOf } from '../policy/filter.ts';
import { isMultiplexed } from '../policy/limits.ts';
import { limitFilter } from '../policy/rate-limit.ts';
import { earlyMutationsOf, traceFiltersOf } from '../policy/trace.ts';
import { timeOf } from '../policy/values.ts';
import { HTTPFaultSchema } from '../proto/envoy/extensions/filters/http/fault/v3/fault_pb.ts';
import { ConfigSchema } from '../proto/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb.ts';
import { LocalRateLimitSchema } from '../proto/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts';
import { RouterSchema } from '../proto/envoy/extensions/filters/http/router/v3/router_pb.ts';
import {
  HttpConnectionManager_CodecType as CodecType,
  type HttpConnectionManagerSchema,
  type HttpFilterSchema,
  HttpConnectionManager_ServerHeaderTransformation as ServerHeader,
} from '../proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import type { ListenerInput } from './listen-address.ts';
import { ads } from './source.ts';

/** How requests of apps are read and passed on. Its routes are told apart from it. */
export function connectionManagerOf(
  input: ListenerInput,
): MessageInitShape<typeof HttpConnectionManagerSchema> {
  const { service, policy, protocol } = input;
  const { timeouts: { idle } = {}, request_id: requestId = false } = policy;
  return {
    codecType: isMultiplexed(protocol) ? CodecType.HTTP2 : CodecType.AUTO,
    statPrefix: service,
    routeSpecifier: { case: 'rds', value: { configSource: ads, routeConfigName: service } },
    httpFilters: filtersOf(input),
    httpProtocolOptions: { acceptHttp10: true },
    ...(idle !== undefined && {
      commonHttpProtocolOptions: { idleTimeout: timeOf(idle) },
      streamIdleTimeout: timeOf(idle),
    }),
    drainTimeout: timeOf(lastRequest),
    serverHeaderTransformation: ServerHeader.PASS_THROUGH,
    generateRequestId: requestId,
    preserveExternalRequestId: true,
    earlyHeaderMutationExtensions: earlyMutationsOf(policy),
    upgradeConfigs: [{ upgradeType: 'websocket' }],
    accessLog: accessLogsOf(input),
  };
}

/**
 * How long a connection that is to end, such as an idle one, takes requests that are on their way, in milliseconds: apps
 * are near, and Envoy's own 5 s come on top of `timeouts.idle`.
 */
const lastRequest = 100;

/** A service with routes has the filters that any of them may ask for, so that a change of routes is one of routes alone. */
function filtersOf({ policy }: ListenerInput): MessageInitShape<typeof HttpFilterSchema>[] {
  return [
    ...traceFiltersOf(policy),
    ...(needsClients(policy) ? [clients] : []),
    ...(policy.routes?.length ? [limits, faults] : []),
    router,
  ];
}

const clients = filterOf(clientFilter, ConfigSchema, {});
const limits = filterOf(limitFilter, LocalRateLimitSchema, { statPrefix: 'rate_limit' });
const faults = filterOf(faultFilter, HTTPFaultSchema, {});
const router = filterOf('envoy.filters.http.router', RouterSchema, {});
