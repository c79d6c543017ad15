import { readFile } from 'node:fs/promises';

import { writeFileAtomic } from '@smartstack/daemon';
import { envoy } from '@smartstack/envoy';
import { haproxy } from '@smartstack/haproxy';
import * as nerve from '@smartstack/nerve';
import * as synapse from '@smartstack/synapse';

import { type Fillings, fill, keyTables } from './document.ts';
import { examplesWithSchema } from './examples.ts';
import { annotatedSchemaOf, plainSchemaOf } from './json-schema.ts';
import { originalsTables } from './originals.ts';
import { builtInTable, gapsTables } from './policy.ts';

const schemas = {
  nerve: annotatedSchemaOf(nerve.configSchema),
  synapse: annotatedSchemaOf(synapse.configSchema),
};

const files: Readonly<Record<string, string>> = {
  'packages/nerve/nerve.schema.json': jsonOf(schemas.nerve),
  'packages/nerve/nerve-service.schema.json': jsonOf(annotatedSchemaOf(nerve.serviceSchema)),
  'packages/synapse/synapse.schema.json': jsonOf(schemas.synapse),
  'packages/synapse/synapse-service.schema.json': jsonOf(annotatedSchemaOf(synapse.serviceSchema)),
  ...(await examplesWithSchema('examples')),
  ...(await document('docs/configuration.md', (text) => ({ keys: keyTables(text, schemas) }))),
  ...(await document('docs/migrating.md', () => ({
    originals: originalsTables({ nerve: nerve.originals, synapse: synapse.originals }, schemas),
  }))),
  ...(await document('docs/policy.md', () => ({
    builtin: builtInTable,
    gaps: gapsTables(
      [haproxy, envoy].map(({ name, config }) => ({ proxy: name, gaps: config.gaps })),
    ),
  }))),
};

const check = process.argv.includes('--check');
for (const [file, text] of Object.entries(files)) {
  if ((await readFile(file, 'utf8').catch(() => '')) === text) continue;
  if (!check) await writeFileAtomic(file, text);
  process.stdout.write(`${file}: ${check ? 'stale; npm run generate writes it' : 'written'}\n`);
  if (check) process.exitCode = 1;
}

function jsonOf(schema: ReturnType<typeof annotatedSchemaOf>): string {
  return `${JSON.stringify(plainSchemaOf(schema), undefined, 2)}\n`;
}

async function document(file: string, fillings: (text: string) => Fillings) {
  const text = await readFile(file, 'utf8');
  return { [file]: fill(text, fillings(text)) };
}
