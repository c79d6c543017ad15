import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { Ajv } from 'ajv';
import { parse } from 'yaml';

export type Daemon = 'nerve' | 'synapse';

/** What a daemon's shipped JSON Schema has against a file's text, each with its place; empty where it accepts it. */
export type Complaints = (text: string) => readonly string[];

/** Reads a JSON Schema, such as `packages/nerve/nerve.schema.json`, as strictly as Ajv can. */
export function schemaOf(file: string): Promise<Complaints> {
  const known = compiled.get(file) ?? compile(file);
  compiled.set(file, known);
  return known;
}

const compiled = new Map<string, Promise<Complaints>>();

async function compile(file: string): Promise<Complaints> {
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, formats: { uri: true } });
  const validate = ajv.compile(JSON.parse(await readFile(`${root}${file}`, 'utf8')) as object);
  return (text) => {
    if (validate(parse(text, { merge: true, maxAliasCount: -1 }))) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath}: ${message} ${JSON.stringify(params)}`,
    );
  };
}

/** The schema of a daemon's file. */
export const schemaOfDaemon = (daemon: Daemon) =>
  schemaOf(`packages/${daemon}/${daemon}.schema.json`);

const root = fileURLToPath(new URL('../../', import.meta.url));
