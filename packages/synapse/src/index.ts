export { configSchema, serviceSchema } from './config.ts';
