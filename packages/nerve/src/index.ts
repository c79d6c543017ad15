export { originals } from './file/originals.ts';
export { configSchema, serviceSchema } from './schema.ts';
