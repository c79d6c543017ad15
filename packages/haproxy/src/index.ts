export { haproxy } from './proxy.ts';
