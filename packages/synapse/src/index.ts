export { configSchema, serviceSchema } from './config.ts';
export { originals } from './file/originals.ts';
