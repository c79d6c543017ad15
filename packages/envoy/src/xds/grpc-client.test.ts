import type { Message } from '@bufbuild/protobuf';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { register } from '@grpc/grpc-js-xds';
import { createMetrics, silentLog } from '@smartstack/daemon';
import { expect, test, vi } from 'vitest';

import { filterOf } from '../policy/filter.ts';
import {
  ClusterSchema,
  Cluster_DiscoveryType as Discovery,
} from '../proto/envoy/config/cluster/v3/cluster_pb.ts';
import { ClusterLoadAssignmentSchema } from '../proto/envoy/config/endpoint/v3/endpoint_pb.ts';
import { ListenerSchema } from '../proto/envoy/config/listener/v3/listener_pb.ts';
import { RouteConfigurationSchema } from '../proto/envoy/config/route/v3/route_pb.ts';
import { RouterSchema } from '../proto/envoy/extensions/filters/http/router/v3/router_pb.ts';
import { HttpConnectionManagerSchema } from '../proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { encoded } from '../resources/encode.ts';
import { ads } from '../resources/source.ts';
import type { Resource, ResourceSnapshot, ResourceType } from './resource.ts';
import { createAdsServer } from './server.ts';

function resource<T extends Message>(
  type: ResourceType,
  name: string,
  schema: GenMessage<T>,
  content: MessageInitShape<GenMessage<T>>,
): Resource {
  return encoded(schema, create(schema, content), {
    type,
    name,
    audience: 'named',
    service: 'web',
  });
}

const manager = create(HttpConnectionManagerSchema, {
  routeSpecifier: { case: 'rds', value: { configSource: ads, routeConfigName: 'grpc/web' } },
  httpFilters: [filterOf('envoy.filters.http.router', RouterSchema, {})],
});
const url = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3';
const apiListener = {
  typeUrl: `${url}.HttpConnectionManager`,
  value: toBinary(HttpConnectionManagerSchema, manager),
};

/** What an application without a proxy asks for: each of it by its name. */
function servedAt(port: number, isGood = true): ResourceSnapshot {
  const all = [
    resource('cluster', 'grpc/web', ClusterSchema, {
      name: 'grpc/web',
      clusterDiscoveryType: {
        case: 'type',
        value: isGood ? Discovery.EDS : Discovery.STATIC,
      },
      edsClusterConfig: { edsConfig: ads, serviceName: 'web' },
    }),
    resource('endpoints', 'web', ClusterLoadAssignmentSchema, {
      clusterName: 'web',
      endpoints: [
        {
          locality: {},
          loadBalancingWeight: 1,
          lbEndpoints: [
            {
              hostIdentifier: {
                case: 'endpoint',
                value: {
                  address: {
                    address: {
                      case: 'socketAddress',
                      value: {
                        address: '127.0.0.1',
                        portSpecifier: { case: 'portValue', value: port },
                      },
                    },
                  },
                },
              },
            },
          ],
        },
      ],
    }),
    resource('listener', 'web', ListenerSchema, { name: 'web', apiListener: { apiListener } }),
    resource('route', 'grpc/web', RouteConfigurationSchema, {
      name: 'grpc/web',
      virtualHosts: [
        {
          name: 'web',
          domains: ['*'],
          routes: [
            {
              match: { pathSpecifier: { case: 'prefix', value: '' } },
              action: {
                case: 'route',
                value: { clusterSpecifier: { case: 'cluster', value: 'grpc/web' } },
              },
            },
          ],
        },
      ],
    }),
  ];
  const of = (type: ResourceType) =>
    new Map(all.filter((one) => one.type === type).map((one) => [one.name, one]));
  return {
    cluster: of('cluster'),
    endpoints: of('endpoints'),
    listener: of('listener'),
    route: of('route'),
  };
}

const eventually = (check: () => unknown) => vi.waitFor(check, 15_000);
const asIs = (bytes: Buffer) => bytes;

async function startMember(name: string) {
  const server = new Server();
  const method = { path: '/test/who', requestStream: false, responseStream: false } as const;
  const codec = {
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  server.addService(
    { who: { ...method, ...codec } },
    {
      who: (_: unknown, done: (error: null, answer: Buffer) => void) =>
        done(null, Buffer.from(name)),
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { port, [Symbol.dispose]: () => server.forceShutdown() };
}

test('a gRPC application without a proxy follows a service, and goes on with the last good', async () => {
  using one = await startMember('one');
  using two = await startMember('two');
  await using server = createAdsServer({ log: silentLog, metrics: createMetrics() });
  const { port } = await server.listen({ address: '127.0.0.1:0' });
  server.serve(servedAt(one.port));
  register();
  const bootstrap = {
    xds_servers: [
      {
        server_uri: `127.0.0.1:${port}`,
        channel_creds: [{ type: 'insecure' }],
        server_features: ['xds_v3'],
      },
    ],
    node: { id: 'app', locality: {} },
  };
  const client = new Client('xds:///web', credentials.createInsecure(), {
    'grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config': JSON.stringify(bootstrap),
  });
  const ask = () =>
    new Promise<string>((resolve, reject) =>
      client.makeUnaryRequest('/test/who', asIs, asIs, Buffer.alloc(0), (error, answer) =>
        error ? reject(error) : resolve(String(answer)),
      ),
    );
  try {
    expect(await ask()).toBe('one');
    await eventually(() => expect(server.isInStep).toBe(true));
    expect(server.status()[0]).toMatchObject({
      node: 'app',
      protocol: 'sotw',
      types: { listener: { subscribed: 1 }, endpoints: { subscribed: 1, acked: { count: 1 } } },
    });
    server.serve(servedAt(two.port));
    await eventually(async () => expect(await ask()).toBe('two'));
    server.serve(servedAt(two.port, false));
    await eventually(() => expect(server.status()[0]?.rejected).toHaveLength(1));
    expect(server.status()[0]?.rejected[0]).toMatchObject({
      type: 'cluster',
      resource: 'grpc/web',
      service: 'web',
      serves: 'last good',
    });
    expect(await ask()).toBe('two');
  } finally {
    client.close();
  }
});
