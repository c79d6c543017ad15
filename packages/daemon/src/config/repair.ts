import { z } from 'zod';

import { nearest } from './nearest.ts';
import { yaml11Boolean } from './plain.ts';
import { isRecord, type KeyPath, type Source } from './source.ts';

export type RawIssue = z.core.$ZodRawIssue;

/** A repair of a value that a schema refused: another value in its place, or none. */
export interface Repair {
  readonly path: KeyPath;
  readonly value?: unknown;
  /** What the user should know of it. */
  readonly warning?: string;
}

/** The keys that a schema knows, where it is one of a mapping with keys of its own. */
export function knownKeys(schema: unknown): readonly string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** The repairs of an issue; empty where it is an error. */
export function repairsOf(issue: RawIssue, source: Source, strict: boolean): readonly Repair[] {
  const path = issue.path ?? [];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.flatMap((key) =>
        keyRepair([...path, key], key, knownKeys(issue.inst), strict),
      );
    case 'invalid_type':
      if (isComment(path, issue.input)) return [{ path }];
      return issue.expected === 'string' && typeof issue.input === 'number'
        ? textRepair(path, source)
        : issue.expected === 'boolean'
          ? booleanRepair(path, issue.input, source)
          : [];
    case 'invalid_union':
    case 'invalid_value':
      return isBooleanTaken(issue) ? booleanRepair(path, issue.input, source) : [];
    default:
      return [];
  }
}

const isIgnoredKey = (key: string) => key.startsWith('_') || key.startsWith('x-');

function keyRepair(
  path: KeyPath,
  key: string,
  known: readonly string[],
  strict: boolean,
): readonly Repair[] {
  if (isIgnoredKey(key)) return [{ path }];
  if (strict || nearest(key, known) !== undefined) return [];
  const list = known.length > 0 ? `; known here: ${[...known].sort().join(', ')}` : '';
  return [{ path, warning: `unknown key, ignored${list}` }];
}

/** An `x-` or `_` entry among the services that is no mapping is a comment. */
function isComment(path: KeyPath, input: unknown): boolean {
  const [section, key, ...rest] = path;
  return (
    section === 'services' && rest.length === 0 && isIgnoredKey(String(key)) && !isRecord(input)
  );
}

function textRepair(path: KeyPath, source: Source): readonly Repair[] {
  const value = source.plainText(path);
  return value === undefined ? [] : [{ path, value }];
}

function booleanRepair(path: KeyPath, input: unknown, source: Source): readonly Repair[] {
  if (typeof input !== 'string') return [];
  const value = yaml11Boolean(source.plainText(path));
  return value === undefined ? [] : [{ path, value }];
}

function isBooleanTaken(issue: Extract<RawIssue, { code: 'invalid_union' | 'invalid_value' }>) {
  if (issue.code === 'invalid_value')
    return issue.values.some((value) => typeof value === 'boolean');
  return issue.errors.some((option) =>
    option.some(
      (inner) =>
        inner.path.length === 0 &&
        ((inner.code === 'invalid_type' && inner.expected === 'boolean') ||
          (inner.code === 'invalid_value' &&
            inner.values.some((value) => typeof value === 'boolean'))),
    ),
  );
}

/** The value with all repairs made; what is not repaired is the same. */
export function repaired(value: unknown, repairs: readonly Repair[]): unknown {
  return repairs.reduce((whole, repair) => change(whole, repair.path, repair), value);
}

function change(value: unknown, [key, ...rest]: KeyPath, repair: Repair): unknown {
  if (key === undefined) return repair.value;
  const isRemoved = rest.length === 0 && !('value' in repair);
  if (Array.isArray(value))
    return value.map((item, index) => (index === key ? change(item, rest, repair) : item));
  if (!isRecord(value)) return value;
  const entries = Object.entries(value);
  const kept = isRemoved ? entries.filter(([each]) => each !== key) : entries;
  return Object.fromEntries(
    kept.map(([each, inner]) => [each, each === key ? change(inner, rest, repair) : inner]),
  );
}
