import { create, type MessageInitShape } from '@bufbuild/protobuf';

import { sourcesOf } from '../policy/allow.ts';
import { filterOf } from '../policy/filter.ts';
import { TrafficDirection } from '../proto/envoy/config/core/v3/base_pb.ts';
import {
  SocketOption_SocketState,
  type SocketOptionSchema,
} from '../proto/envoy/config/core/v3/socket_option_pb.ts';
import type { FilterSchema } from '../proto/envoy/config/listener/v3/listener_components_pb.ts';
import { type Listener, ListenerSchema } from '../proto/envoy/config/listener/v3/listener_pb.ts';
import { ConnectionLimitSchema } from '../proto/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb.ts';
import { HttpConnectionManagerSchema } from '../proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { TcpProxySchema } from '../proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import { connectionManagerOf } from './connection-manager.ts';
import type { ListenerInput } from './listen-address.ts';
import { listenerName } from './names.ts';
import { tcpProxyOf } from './tcp-proxy.ts';

/** Where apps connect to a service, and how they speak there. */
export function listenerOf(input: ListenerInput): Listener {
  const { service, address, port, device, policy, protocol } = input;
  const ranges = sourcesOf(policy);
  const proxy =
    protocol === 'tcp'
      ? filterOf('envoy.filters.network.tcp_proxy', TcpProxySchema, tcpProxyOf(input))
      : filterOf(
          'envoy.filters.network.http_connection_manager',
          HttpConnectionManagerSchema,
          connectionManagerOf(input),
        );
  return create(ListenerSchema, {
    name: listenerName(service),
    statPrefix: service,
    address: {
      address: {
        case: 'socketAddress',
        value: { address, portSpecifier: { case: 'portValue', value: port } },
      },
    },
    socketOptions: device === undefined ? [] : [boundTo(device)],
    trafficDirection: TrafficDirection.OUTBOUND,
    filterChains: [
      {
        ...(ranges && { filterChainMatch: { sourcePrefixRanges: [...ranges] } }),
        filters: [...limitFilters(input), proxy],
      },
    ],
  });
}

/** The socket option SO_BINDTODEVICE, whose number is the same on all kinds of Linux that Envoy is made for. */
const boundTo = (device: string): MessageInitShape<typeof SocketOptionSchema> => ({
  description: `device ${device}`,
  level: 1n,
  name: 25n,
  value: { case: 'bufValue', value: Buffer.from(`${device}\0`) },
  state: SocketOption_SocketState.STATE_PREBIND,
});

/** More connections are closed. */
function limitFilters({
  service,
  policy,
  protocol,
}: ListenerInput): MessageInitShape<typeof FilterSchema>[] {
  const { connections = Infinity, requests = Infinity } = policy.limits ?? {};
  const most = protocol === 'tcp' ? Math.min(connections, requests) : connections;
  if (most === Infinity) return [];
  return [
    filterOf('envoy.filters.network.connection_limit', ConnectionLimitSchema, {
      statPrefix: service,
      maxConnections: BigInt(most),
    }),
  ];
}
