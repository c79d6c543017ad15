export { configSchema } from './config/config.ts';
export { originals } from './config/originals.ts';
export { serviceSchema } from './config/schema.ts';
