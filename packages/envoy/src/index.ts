export type { EnvoyConfig, EnvoyService } from './config/config.ts';
export { envoy } from './proxy.ts';
export type { Resource, ResourceSnapshot } from './xds/resource.ts';
export { type AdsServer, createAdsServer } from './xds/server.ts';
export type { StreamStatus } from './xds/status.ts';
