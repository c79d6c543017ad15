import { ApiVersion } from '../proto/envoy/config/core/v3/config_source_pb.ts';

/** Where a resource that another one names is from: the same stream. */
export const ads = {
  configSourceSpecifier: { case: 'ads', value: {} },
  resourceApiVersion: ApiVersion.V3,
} as const;
