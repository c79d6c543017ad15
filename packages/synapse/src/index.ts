export { configSchema } from './config.ts';
export { originals } from './file/originals.ts';
export { serviceSchema } from './schema.ts';
