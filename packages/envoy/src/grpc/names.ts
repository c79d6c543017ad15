import type { Subset } from '@smartstack/policy';

import { clusterName } from '../resources/names.ts';

/** What gRPC applications know a service's routes and clusters by: what Envoy makes of them is another resource. */
export const grpcName = (service: string, subset?: Subset): string =>
  grpcNameOf(clusterName(service, subset));

/** The same of one of Envoy's clusters. */
export const grpcNameOf = (cluster: string): string => `grpc/${cluster}`;
