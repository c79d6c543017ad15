export type { HaproxyService } from './config/config.ts';
export { haproxy } from './proxy.ts';
