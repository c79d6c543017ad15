export { originals } from './config/originals.ts';
export { configSchema, serviceSchema } from './config/schema.ts';
