import type { Node } from './json-schema.ts';
import { type Key, keysOf, kindsOf, nodeAt } from './keys.ts';
import { tableOf } from './table.ts';

/** What a document may have filled in: for each name, what stands between its markers. */
export type Fillings = Readonly<Record<string, (argument: string) => string>>;

/** A marker, what was generated after it, and its end. */
const block = /^<!-- (\w+): (.+?) -->\n(?:.*\n)*?<!-- end -->$/gm;

/** The document with what stands between markers (`<!-- keys: nerve . -->` to `<!-- end -->`) written anew. */
export function fill(document: string, fillings: Fillings): string {
  return document.replace(block, (whole, name: string, argument: string) => {
    const filling = fillings[name];
    if (!filling) return whole;
    return `<!-- ${name}: ${argument} -->\n\n${filling(argument)}\n\n<!-- end -->`;
  });
}

/** The annotated schema of each daemon's file. */
export type Schemas = Readonly<Record<string, Node>>;

/**
 * What fills `<!-- keys: nerve services.<name> -->`: a table of the keys from there on, down to those that
 * have a table of their own. `nerve+synapse` says that both have the same; `mode=…` that only keys of that
 * mode are meant. Throws an error that lists every key without a description, an example or a table.
 */
export function keyTables(document: string, schemas: Schemas): Fillings['keys'] & object {
  const blocks = [...document.matchAll(block)]
    .filter(([, name]) => name === 'keys')
    .map(([, , argument = '']) => parse(argument));
  for (const daemon of Object.keys(schemas)) expectModes(daemon, schemas[daemon] ?? {}, blocks);
  return (argument) => {
    const { daemons, path, mode } = parse(argument);
    const tables = daemons.map((daemon) => {
      const root = schemas[daemon] ?? {};
      const keys = keysAt(root, path, stopsOf(daemon, blocks)).filter(
        ({ node }) => node.mode === mode,
      );
      const { by, kinds } = kindsOf(root, nodeAt(root, path));
      return tableOf(root, { what: daemon, below: path, keys, by, kinds });
    });
    if (new Set(tables).size > 1) throw new Error(`${argument}: the daemons differ`);
    return tables[0] ?? '';
  };
}

interface Block {
  readonly daemons: readonly string[];
  readonly path: string;
  readonly mode: string | undefined;
}

function parse(argument: string): Block {
  const [daemons = '', path = '', option] = argument.split(' ');
  return { daemons: daemons.split('+'), path, mode: option?.replace('mode=', '') };
}

function stopsOf(daemon: string, blocks: readonly Block[]): (path: string) => boolean {
  const own = blocks.filter(({ daemons }) => daemons.includes(daemon)).map(({ path }) => path);
  return (path) => own.includes(path);
}

function keysAt(root: Node, path: string, stop: (path: string) => boolean): readonly Key[] {
  return keysOf(root, nodeAt(root, path), path, stop);
}

/** A key of a mode that no block shows would be missed. */
function expectModes(daemon: string, root: Node, blocks: readonly Block[]): void {
  const own = blocks.filter(({ daemons }) => daemons.includes(daemon));
  if (!own.some(({ path }) => path === '.')) throw new Error(`no table of ${daemon}'s own keys`);
  for (const { path } of own)
    for (const { node, path: key } of keysAt(root, path, stopsOf(daemon, blocks)))
      if (!own.some((each) => each.path === path && each.mode === node.mode))
        throw new Error(`${daemon}: no table for ${key}`);
}
