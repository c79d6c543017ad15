export { configSchema, serviceSchema } from './schema.ts';
