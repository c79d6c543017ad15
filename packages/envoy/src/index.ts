export type { EnvoyConfig, EnvoyService } from './config/config.ts';
export { envoy } from './proxy.ts';
