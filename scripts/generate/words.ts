import { stringify } from 'yaml';
import type { Node } from './json-schema.ts';
import type { Key } from './keys.ts';
import { type Root, resolve } from './keys.ts';

const flow = { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 } as const;

/** What may be written for a key, in words. */
export function formOf(root: Root, node: Node): string {
  const resolved = resolve(root, node);
  const { unit, anyOf, enum: values, const: only, items } = resolved;
  if (anyOf && unit === undefined) return unique(anyOf.map((each) => formOf(root, each)));
  if (anyOf?.some((each) => each.const === false)) return `${unit} or \`false\``;
  if (unit !== undefined) return unit;
  if (values) return unique(values.map((value) => code(value)));
  if (only !== undefined) return code(only);
  const types = [resolved.type ?? (resolved.oneOf ? 'object' : 'anything')].flat();
  if (types.includes('array')) return `list of ${formOf(root, items ?? {})}`;
  if (types.includes('integer')) return `whole number${rangeOf(resolved)}`;
  const range = types.includes('number') ? rangeOf(resolved) : '';
  return unique(types.map((type) => words[type] ?? type)) + range;
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  object: 'mapping',
  number: 'number',
};

/** What holds where a key is absent, in words. */
export function defaultOf({ required, node }: Key): string {
  const { default: value, otherwise, unit } = node;
  if (required) return 'required';
  if (otherwise !== undefined) return otherwise;
  if (value === undefined) return '';
  if (unit === 'seconds' && typeof value === 'number') return spanOf(value);
  return isEmpty(value) ? 'none' : code(value);
}

/** A key as it would stand in a file; undefined where nothing is known that could. */
export function exampleOf(root: Root, { name, node }: Key): string | undefined {
  const { examples, enum: values, const: only, type, default: absent } = resolve(root, node);
  const other = values?.find((value) => value !== absent);
  const value =
    examples?.[0] ?? other ?? only ?? (type === 'boolean' ? absent !== true : undefined);
  if (value === undefined) return undefined;
  const yaml = stringify({ [name]: value }, flow).trim();
  return `\`${yaml.slice(1, -1).trim()}\``;
}

function spanOf(seconds: number): string {
  if (seconds >= 3600 && seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds >= 60 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

function rangeOf({ minimum, maximum }: Node): string {
  if (minimum === undefined || minimum < 0) return '';
  return maximum === undefined ? ` from ${minimum}` : `, ${minimum} to ${maximum}`;
}

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && Object.keys(value ?? {}).length === 0);
}

function code(value: unknown): string {
  return `\`${stringify(value, flow).trim()}\``;
}

function unique(parts: readonly string[]): string {
  return [...new Set(parts)].join(' or ');
}
