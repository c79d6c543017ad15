import { fileURLToPath } from 'node:url';

/** Where this package's JSON Schema is: beside `src`, and beside `dist` or a bundle in its place. */
export const schemaFile = fileURLToPath(new URL('../nerve.schema.json', import.meta.url));
