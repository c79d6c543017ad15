import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';

import type { Limits } from '../limits.ts';
import type { Protocol } from '../protocol/request.ts';
import type { Call } from './stream.ts';

/** The gRPC side of the server: takes connections, and hands on the calls of both protocols. */
export interface GrpcServer {
  connect(socket: Socket): void;
  /** Says goodbye on each connection, and closes them all within the limits' `grace`. */
  close(): Promise<void>;
}

const service = '/envoy.service.discovery.v3.AggregatedDiscoveryService';

/** Messages go through as bytes: what is in them is read where it can be said what is wrong with them. */
const methodOf = (name: string) => ({
  path: `${service}/${name}`,
  requestStream: true as const,
  responseStream: true as const,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});
const asIs = (bytes: Buffer) => bytes;

const definition: ServiceDefinition = {
  StreamAggregatedResources: methodOf('StreamAggregatedResources'),
  DeltaAggregatedResources: methodOf('DeltaAggregatedResources'),
};

export function createGrpcServer(
  onCall: (protocol: Protocol, call: Call) => void,
  { requestBytes, streams, grace }: Limits,
): GrpcServer {
  const server = new Server({
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': requestBytes,
    'grpc.max_concurrent_streams': streams,
    // A client that was stopped, or whose machine is gone, is found out.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 20_000,
  });
  server.addService(definition, {
    StreamAggregatedResources: (call: Call) => onCall('sotw', call),
    DeltaAggregatedResources: (call: Call) => onCall('delta', call),
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();

  return {
    connect: (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
      injector.injectConnection(socket);
    },
    close: async () => {
      // Each connection says goodbye, and closes once its calls have ended; `tryShutdown` does not wait for these.
      injector.drain(grace);
      await Promise.race([
        Promise.all([...sockets].map(closed)),
        sleep(grace, undefined, { ref: false }),
      ]);
      server.forceShutdown();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));
