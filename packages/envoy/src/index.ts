export type { EnvoyConfig, EnvoyService } from './config/config.ts';
export { envoy } from './proxy.ts';
export type { Resource, ResourceSnapshot } from './xds/resource.ts';
