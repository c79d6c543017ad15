import {
  type Document,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
} from 'yaml';

import { exact } from './plain.ts';
import { filledIn, type Variables, type Written } from './variables.ts';

/** A problem at an offset of the text. */
export type Problem = { readonly offset: number; readonly message: string };

/** Fills in the variables of every scalar; yields those that are not set, and keys that cannot be used. */
export function fillIn(
  document: Document.Parsed,
  tags: readonly string[],
  variables: Variables,
): Generator<Problem> {
  const fill: Fill = (written) => filledIn(written, tags, variables);
  return fillNode(document.contents, [], fill);
}

type Fill = (written: Written) => ReturnType<typeof filledIn>;

function* fillNode(node: unknown, keys: readonly string[], fill: Fill): Generator<Problem> {
  if (isScalar(node)) yield* fillScalar(node, keys, fill);
  else if (isSeq(node)) for (const item of node.items) yield* fillNode(item, keys, fill);
  else if (isMap(node)) yield* fillPairs(node.items, keys, fill);
}

function* fillPairs(
  pairs: readonly Pair[],
  keys: readonly string[],
  fill: Fill,
): Generator<Problem> {
  const seen = new Set<string>();
  for (const { key, value } of pairs) {
    yield* fillNode(key, keys, fill);
    const name = nameOf(key);
    if (seen.has(name) && name !== '<<')
      yield { offset: startOf(key), message: `the key ${name} stands here twice` };
    if (name === '__proto__')
      yield { offset: startOf(key), message: '__proto__ cannot be a name or a key' };
    seen.add(name);
    yield* fillNode(value, [...keys, name], fill);
  }
}

function* fillScalar(scalar: Scalar, keys: readonly string[], fill: Fill): Generator<Problem> {
  scalar.value = exact(scalar.value, scalar.source);
  if (typeof scalar.value !== 'string') return;
  const isPlain = scalar.type === 'PLAIN';
  const filled = fill({ text: scalar.value, isPlain, keys });
  if (!filled) return;
  scalar.value = filled.value;
  if (isPlain) scalar.source = String(filled.value);
  for (const name of filled.missing)
    yield {
      offset: startOf(scalar),
      message: `the environment has no ${name}; set it, or give a default: \${${name}:-default}`,
    };
}

/** A key as a text; that of a merge is a symbol to the parser. */
export function nameOf(key: unknown): string {
  const value = isScalar(key) ? key.value : key;
  return typeof value === 'symbol' ? '<<' : String(value);
}

/** Where a node, or a pair's key, begins in the text. */
export function startOf(node: unknown): number {
  const ranged = (isPair(node) ? node.key : node) as Node | null | undefined;
  return ranged?.range?.[0] ?? 0;
}
