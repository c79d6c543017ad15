import { createHash } from 'node:crypto';

import { latencyEnds } from '@smartstack/proxy';

import type { AdminPlace } from '../admin/client.ts';
import { bootstrapKey } from '../admin/server-info.ts';
import type { EnvoyOptions } from './options.ts';

export interface Bootstrap {
  readonly text: string;
  /** What it calls itself, in the node's metadata: a hash of the rest, and of the arguments beside it. */
  readonly id: string;
}

/** The name of the cluster that is synapse's xDS server. */
export const xdsCluster = 'xds';

export interface BootstrapParts {
  readonly options: Pick<EnvoyOptions, 'admin' | 'node' | 'xds'>;
  /** How many connections of apps it takes. */
  readonly maxConnections: number;
  readonly ejections: string;
  /** What else it is started with. */
  readonly args: readonly string[];
}

/** The file that Envoy starts with: where synapse and its own admin interface are. All else comes from synapse. */
export function bootstrapOf(parts: BootstrapParts): Bootstrap {
  const { node, ...rest } = contentOf(parts);
  const id = createHash('sha256')
    .update(JSON.stringify([node, rest, parts.args]))
    .digest('hex')
    .slice(0, 16);
  const named = { node: { ...node, metadata: { [bootstrapKey]: id } }, ...rest };
  return { id, text: `${JSON.stringify(named, undefined, 2)}\n` };
}

function contentOf({ options: { admin, node, xds }, maxConnections, ejections }: BootstrapParts) {
  return {
    node: { id: node.id, cluster: node.cluster },
    admin: { address: addressOf(admin), ignore_global_conn_limit: true },
    dynamic_resources: {
      ads_config: {
        api_type: 'DELTA_GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: xdsCluster, retry_policy: reconnect } }],
      },
      cds_config: fromSynapse,
      lds_config: fromSynapse,
    },
    static_resources: { clusters: [xdsServer(xds)] },
    cluster_manager: { outlier_detection: { event_log_path: ejections } },
    // There is nobody to send them to; every 5 s it would cost 3 % of a core at 500 services.
    stats_flush_on_admin: true,
    stats_config: { histogram_bucket_settings: [{ match: anyTime, buckets }] },
    overload_manager: { resource_monitors: [connectionLimit(maxConnections)] },
  };
}

/** A fleet does not come back at once, and none waits long: this server is on the same machine. */
const reconnect = { retry_back_off: { base_interval: '0.1s', max_interval: '2s' } };

/**
 * Never over: unknown is not empty. With a time limit an Envoy that hears nothing would serve nothing from then on, and
 * one that is to replace another would send that one away.
 */
const fromSynapse = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' };

/** Envoy shows no bucket without an end: one takes what is longer than the last of ours. */
const buckets = [...latencyEnds, 1e9];
/** What is counted in milliseconds. */
const anyTime = { safe_regex: { regex: '.*_(time|ms)' } };

function addressOf(admin: AdminPlace) {
  return 'path' in admin
    ? { pipe: { path: admin.path, mode: 0o600 } }
    : { socket_address: { address: admin.host, port_value: admin.port } };
}

function xdsServer(path: string) {
  const keepalive = { interval: '30s', timeout: '10s' };
  const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const endpoint = { address: { pipe: { path } } };
  return {
    name: xdsCluster,
    type: 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      [options]: {
        '@type': `type.googleapis.com/${options}`,
        explicit_http_config: { http2_protocol_options: { connection_keepalive: keepalive } },
      },
    },
    load_assignment: { cluster_name: xdsCluster, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
  };
}

function connectionLimit(most: number) {
  const config = 'envoy.extensions.resource_monitors.downstream_connections.v3';
  return {
    name: 'envoy.resource_monitors.global_downstream_max_connections',
    typed_config: {
      '@type': `type.googleapis.com/${config}.DownstreamConnectionsConfig`,
      max_active_downstream_connections: String(most),
    },
  };
}
