import { isDeepStrictEqual } from 'node:util';

import type { Node } from './json-schema.ts';

/** One key that users may write, such as `services.<name>.checks[].timeout`. */
export interface Key {
  readonly path: string;
  readonly name: string;
  readonly node: Node;
  readonly required: boolean;
  /** The kinds (of check, of discovery ...) that have it, where not all have. */
  readonly kinds?: readonly string[];
  /** The same of the mapping that it stands in, where that is not the topmost. */
  readonly within?: readonly string[];
}

/** One alternative of a mapping, told from the others by a key such as `type` or `method`. */
export interface Kind {
  readonly name: string;
  readonly node: Node;
}

/** The whole schema of a file, in which references are looked up. */
export type Root = Node;

/** What a path such as `services.<name>.checks[]` leads to; throws where it leads nowhere. */
export function nodeAt(root: Root, path: string): Node {
  const steps = path === '.' ? [] : path.replaceAll('[]', '.[]').split('.');
  return steps.reduce((node: Node, step) => {
    const next = childrenOf(root, node).find(([name]) => name === step);
    if (!next) throw new Error(`there is no ${step} in ${path}`);
    return next[1];
  }, root);
}

/** The keys at and below a node, down to those that `stop` names and to leaves. */
export function keysOf(
  root: Root,
  node: Node,
  path: string,
  stop: (path: string) => boolean,
): readonly Key[] {
  return mergedKeys(root, node).flatMap((key) => {
    const own = { ...key, path: path === '.' ? key.name : `${path}.${key.name}` };
    if (key.node.leaf || stop(own.path)) return [own];
    const below = keysBelow(root, own, stop).map(({ kinds, within = kinds, ...each }) => ({
      ...each,
      ...(key.kinds && { kinds: key.kinds }),
      ...(within && { within }),
    }));
    return [own, ...below];
  });
}

/** The kinds of a node that is a choice of mappings, in their order, and the key that chooses. */
export function kindsOf(
  root: Root,
  node: Node,
): { readonly by: string; readonly kinds: readonly Kind[] } {
  const options = (resolve(root, node).oneOf ?? []).map((option) => resolve(root, option));
  const by = Object.keys(options[0]?.properties ?? {}).find((name) =>
    options.every((option) => option.properties?.[name]?.const !== undefined),
  );
  if (by === undefined) return { by: '', kinds: [] };
  const nameOf = (option: Node) => String(option.properties?.[by]?.const);
  return { by, kinds: options.map((option) => ({ name: nameOf(option), node: option })) };
}

/** What a node is, once references are followed and null, which stands for absence, is left out. */
export function resolve(root: Root, node: Node): Node {
  const { allOf, anyOf, $ref, ...own } = node as Node & { readonly allOf?: readonly Node[] };
  if ($ref !== undefined)
    return resolve(root, root.definitions?.[$ref.split('/').at(-1) ?? ''] ?? {});
  if (allOf?.length === 1) return { ...resolve(root, allOf[0] ?? {}), ...own };
  const some = anyOf?.filter(({ type }) => type !== 'null');
  if (some?.length === 1) return { ...resolve(root, some[0] ?? {}), ...own };
  if (some) return { ...own, anyOf: some };
  return Array.isArray(own.type)
    ? { ...own, type: own.type.filter((type) => type !== 'null') }
    : node;
}

/** The mapping among a node's alternatives, such as the one beside `false`. */
function mappingOf(root: Root, node: Node): Node {
  const resolved = resolve(root, node);
  const mapping = resolved.anyOf?.map((each) => resolve(root, each)).find(isMapping);
  return mapping ?? resolved;
}

function isMapping({ properties, oneOf }: Node): boolean {
  return properties !== undefined || oneOf !== undefined;
}

function keysBelow(root: Root, key: Key, stop: (path: string) => boolean): readonly Key[] {
  return childrenOf(root, key.node)
    .filter(([name]) => name === '[]' || name === '<name>')
    .concat(isMapping(mappingOf(root, key.node)) ? [['', key.node]] : [])
    .flatMap(([name, child]) => {
      const path = name === '<name>' ? `${key.path}.<name>` : `${key.path}${name}`;
      return stop(path) || !isMapping(mappingOf(root, child))
        ? []
        : keysOf(root, child, path, stop);
    });
}

function childrenOf(root: Root, node: Node): readonly (readonly [string, Node])[] {
  const { properties = {}, items, additionalProperties: others } = mappingOf(root, node);
  return [
    ...Object.entries(properties),
    ...(items ? [['[]', items] as const] : []),
    ...(typeof others === 'object' ? [['<name>', others] as const] : []),
  ];
}

/** The keys of a mapping; those of a choice of mappings once each, unless they differ. */
function mergedKeys(root: Root, node: Node): readonly Omit<Key, 'path'>[] {
  const { kinds, by } = kindsOf(root, mappingOf(root, node));
  if (kinds.length === 0) return ownKeys(mappingOf(root, node));
  const merged: (Omit<Key, 'path'> & { kinds: string[] })[] = [];
  for (const kind of kinds)
    for (const key of ownKeys(kind.node).filter(({ name }) => name !== by)) {
      const same = merged.find((each) => isSame(each, key));
      if (same) same.kinds.push(kind.name);
      else merged.push({ ...key, kinds: [kind.name] });
    }
  const all = merged.map(({ kinds: some, ...key }) =>
    some.length === kinds.length ? key : { ...key, kinds: some },
  );
  const common = all.filter((key) => !('kinds' in key));
  return [chooser(by, kinds), ...common, ...all.filter((key) => 'kinds' in key)];
}

function chooser(by: string, kinds: readonly Kind[]): Omit<Key, 'path'> {
  const described = kinds.map(({ name, node: { description } }) => `\`${name}\`: ${description}`);
  return {
    name: by,
    required: true,
    node: { enum: kinds.map(({ name }) => name), description: described.join('; ') },
  };
}

function ownKeys({
  properties = {},
  required = [],
}: Node & { readonly required?: readonly string[] }) {
  return Object.entries(properties).map(([name, node]) => ({
    name,
    node,
    required: required.includes(name),
  }));
}

function isSame(a: Omit<Key, 'path'>, b: Omit<Key, 'path'>): boolean {
  return a.name === b.name && a.required === b.required && isDeepStrictEqual(a.node, b.node);
}
