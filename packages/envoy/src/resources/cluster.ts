import { create, toBinary } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import type { Policy, Protocol } from '@smartstack/policy';

import { balanceOf } from '../policy/balance.ts';
import { ejectionOf } from '../policy/ejection.ts';
import { isMultiplexed, limitsOf } from '../policy/limits.ts';
import { timeOf } from '../policy/values.ts';
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from '../proto/envoy/config/cluster/v3/cluster_pb.ts';
import { HttpProtocolOptionsSchema } from '../proto/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
import { ads } from './source.ts';

/**
 * A function that encodes how members of a service, or some of them, are asked (`Cluster`); who they are is told apart
 * from it. Clusters of one fleet differ by their names, mostly: the rest is made once.
 */
export function createClusters(): (name: string, policy: Policy, protocol: Protocol) => Uint8Array {
  const made = new Map<string, Uint8Array>();
  return (name, policy, protocol) => {
    const { routes: _, access_log: _l, slo: _s, ...words } = policy;
    const key = JSON.stringify([protocol, words]);
    const rest = made.get(key) ?? toBinary(ClusterSchema, clusterOf(policy, protocol));
    if (made.size >= most) made.clear();
    made.set(key, rest);
    return Buffer.concat([toBinary(ClusterSchema, create(ClusterSchema, { name })), rest]);
  };
}

/** How many are kept: of policies that were, some day there are too many. */
const most = 1000;

/** A cluster but for its name. */
function clusterOf(policy: Policy, protocol: Protocol): Cluster {
  const { timeouts: { connect = 1000 } = {}, panic = 0 } = policy;
  const ejection = ejectionOf(policy);
  return create(ClusterSchema, {
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: { ...ads, initialFetchTimeout: timeOf(firstMembers) } },
    connectTimeout: timeOf(connect),
    circuitBreakers: limitsOf(policy, protocol),
    ...(ejection && { outlierDetection: ejection }),
    ...balanceOf(policy),
    commonLbConfig: { healthyPanicThreshold: { value: Math.round(panic * 100) } },
    ...(protocol !== 'tcp' && {
      typedExtensionProtocolOptions: { [httpOptions]: httpOptionsOf(policy, protocol) },
    }),
  });
}

/** How long a cluster waits for its members before it is used without them, in milliseconds. */
const firstMembers = 5000;

const httpOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/**
 * A connection without a request ends before the member would end it: the next request could cross that on its way.
 * Of the servers in use the most impatient wait 5 s.
 */
const mostIdle = 4000;

function httpOptionsOf({ timeouts, limits }: Policy, protocol: Protocol): Any {
  const { idle } = timeouts ?? {};
  const { per_member: perMember } = limits ?? {};
  const isHttp2 = isMultiplexed(protocol);
  const idleTimeout = isHttp2 ? idle : Math.min(idle ?? mostIdle, mostIdle);
  return anyPack(
    HttpProtocolOptionsSchema,
    create(HttpProtocolOptionsSchema, {
      commonHttpProtocolOptions:
        idleTimeout === undefined ? {} : { idleTimeout: timeOf(idleTimeout) },
      upstreamProtocolOptions: {
        case: 'explicitHttpConfig',
        value: {
          protocolConfig: isHttp2
            ? {
                case: 'http2ProtocolOptions',
                value: perMember === undefined ? {} : { maxConcurrentStreams: perMember },
              }
            : { case: 'httpProtocolOptions', value: {} },
        },
      },
    }),
  );
}
