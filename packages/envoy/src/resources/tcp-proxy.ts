import type { MessageInitShape } from '@bufbuild/protobuf';

import { accessLogsOf } from '../policy/access-log.ts';
import { keyOf } from '../policy/hashing.ts';
import { timeOf } from '../policy/values.ts';
import type { TcpProxySchema } from '../proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import type { ListenerInput } from './listen-address.ts';
import { clusterName } from './names.ts';

/** How connections of apps are passed on. */
export function tcpProxyOf(input: ListenerInput): MessageInitShape<typeof TcpProxySchema> {
  const { service, policy } = input;
  const { timeouts: { idle } = {}, retries: { attempts = 0 } = {}, balance } = policy;
  return {
    statPrefix: service,
    clusterSpecifier: { case: 'cluster', value: clusterName(service) },
    maxConnectAttempts: 1 + attempts,
    ...(idle !== undefined && { idleTimeout: timeOf(idle) }),
    hashPolicy:
      keyOf(balance) === undefined ? [] : [{ policySpecifier: { case: 'sourceIp', value: {} } }],
    accessLog: accessLogsOf(input),
  };
}
