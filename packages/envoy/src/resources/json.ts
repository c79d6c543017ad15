import { createRegistry, fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf';

import { ClusterSchema } from '../proto/envoy/config/cluster/v3/cluster_pb.ts';
import { ClusterLoadAssignmentSchema } from '../proto/envoy/config/endpoint/v3/endpoint_pb.ts';
import { ListenerSchema } from '../proto/envoy/config/listener/v3/listener_pb.ts';
import { RouteConfigurationSchema } from '../proto/envoy/config/route/v3/route_pb.ts';
import { FileAccessLogSchema } from '../proto/envoy/extensions/access_loggers/file/v3/file_pb.ts';
import { StdoutAccessLogSchema } from '../proto/envoy/extensions/access_loggers/stream/v3/stream_pb.ts';
import { HTTPFaultSchema } from '../proto/envoy/extensions/filters/http/fault/v3/fault_pb.ts';
import { HeaderMutationSchema } from '../proto/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.ts';
import { ConfigSchema } from '../proto/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb.ts';
import { LocalRateLimitSchema } from '../proto/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts';
import { RouterSchema } from '../proto/envoy/extensions/filters/http/router/v3/router_pb.ts';
import { ConnectionLimitSchema } from '../proto/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb.ts';
import { HttpConnectionManagerSchema } from '../proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { TcpProxySchema } from '../proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import { HeaderMutationSchema as EarlySchema } from '../proto/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.ts';
import { LeastRequestSchema } from '../proto/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.ts';
import { RingHashSchema } from '../proto/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.ts';
import { RoundRobinSchema } from '../proto/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.ts';
import { WrrLocalitySchema } from '../proto/envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality_pb.ts';
import { PreviousHostsPredicateSchema } from '../proto/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts';
import { HttpProtocolOptionsSchema } from '../proto/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
import type { Resource, ResourceType } from '../xds/resource.ts';

/** What each type of resource is. */
export const schemas = {
  cluster: ClusterSchema,
  endpoints: ClusterLoadAssignmentSchema,
  listener: ListenerSchema,
  route: RouteConfigurationSchema,
} as const satisfies Readonly<Record<ResourceType, unknown>>;

/** Every message that stands in another one as `Any`. */
export const registry = createRegistry(
  ConfigSchema,
  ConnectionLimitSchema,
  EarlySchema,
  FileAccessLogSchema,
  HTTPFaultSchema,
  HeaderMutationSchema,
  HttpConnectionManagerSchema,
  HttpProtocolOptionsSchema,
  LeastRequestSchema,
  LocalRateLimitSchema,
  PreviousHostsPredicateSchema,
  RingHashSchema,
  RoundRobinSchema,
  RouterSchema,
  StdoutAccessLogSchema,
  TcpProxySchema,
  WrrLocalitySchema,
);

/** A resource as Envoy takes it in a file, with the names of its documentation. */
export function jsonOf({ type, value }: Resource): JsonValue {
  const schema = schemas[type];
  return toJson(schema, fromBinary(schema, value), { registry, useProtoFieldName: true });
}
