import { createMetrics, silentLog } from '@smartstack/daemon';

import { createResources } from '../../packages/envoy/src/resources/resources.ts';
import {
  options,
  snapshotOf,
  type Written,
} from '../../packages/envoy/src/resources/service.fixture.ts';
import { type AdsServer, createAdsServer } from '../../packages/envoy/src/xds/server.ts';

/** An xDS server at a socket, which serves services as they are written in a test. */
export interface ServedEnvoys extends AsyncDisposable {
  readonly server: AdsServer;
  serve(services: Readonly<Record<string, Written>>): void;
}

export async function serveEnvoys(socket: string): Promise<ServedEnvoys> {
  const server = createAdsServer({ log: silentLog, metrics: createMetrics() });
  await server.listen({ socket: { path: socket } });
  const resources = createResources(options);
  return {
    server,
    serve: (services) => server.serve(resources(snapshotOf(services)).resources),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
