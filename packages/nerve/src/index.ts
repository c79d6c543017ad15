export { originals } from './config/originals.ts';
export { configSchema } from './config/schema.ts';
export { serviceSchema } from './config/service-schema.ts';
