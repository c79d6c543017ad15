import type { z } from 'zod';

import { nearest } from './nearest.ts';
import { knownKeys, type RawIssue, type Repair, repaired, repairsOf } from './repair.ts';
import { ConfigError, type KeyPath, type Source } from './source.ts';

export interface ValidateOptions {
  /** Whether every unknown key is an error, not only one that is close to a known key. */
  readonly strict?: boolean | undefined;
  /** Called with each warning of a valid source. */
  warn?(warning: string): void;
}

/**
 * Parses a source by a schema; throws a `ConfigError` that lists every problem, each with its place. Ignores
 * keys that begin with `_` or `x-`, except where keys are users' own names. Any other unknown key is
 * ignored with a warning, or an error if it is close to a known one. YAML 1.1's words for true and false
 * are accepted, and so are numbers where a text is expected, as they were written.
 */
export function validate<S extends z.ZodType>(
  schema: S,
  source: Source,
  options: ValidateOptions = {},
): z.output<S> {
  const warnings: string[] = [];
  let { value } = source;
  for (;;) {
    const { parsed, issues, repairs } = parse(schema, value, (issue) =>
      repairsOf(issue, source, options.strict ?? false),
    );
    if (parsed.success) {
      for (const warning of warnings) options.warn?.(warning);
      return parsed.data;
    }
    if (repairs.length === 0)
      throw new ConfigError(issues.flatMap((issue) => problemsOf(issue, source)));
    for (const { path, warning } of repairs)
      if (warning !== undefined)
        warnings.push(`${source.locate(path)}: ${formatPath(path)}: ${warning}`);
    value = repaired(value, repairs);
  }
}

/** Parses a value once, and finds the repairs of what is wrong with it. */
function parse<S extends z.ZodType>(
  schema: S,
  value: unknown,
  repair: (issue: RawIssue) => readonly Repair[],
) {
  const repairs: Repair[] = [];
  const error = (issue: RawIssue) => {
    repairs.push(...repair(issue));
    return describe(issue);
  };
  const parsed = schema.safeParse(value, { error, reportInput: true });
  // Issues are described, and repairs found, when they are asked for first.
  const issues = parsed.error?.issues ?? [];
  return { parsed, issues, repairs };
}

/** The error for what was found wrong below one key of a source that its schema accepts. */
export function problemsAt(
  source: Source,
  key: string,
  problems: readonly (readonly [path: KeyPath, message: string])[],
): ConfigError {
  return new ConfigError(
    problems.map(([below, message]) => {
      const path = [key, ...below];
      return `${source.locate(path)}: ${formatPath(path)}: ${message}`;
    }),
  );
}

/** A path as users read it: `services.web.checks[0].timeout`. */
export function formatPath(path: KeyPath): string {
  return path
    .map((key, index) =>
      typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${String(key)}`,
    )
    .join('');
}

/** A refused value as a message shows it, short and on one line. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** zod reports all unknown keys in one issue; its message carries a part for each. */
const separator = '\u0000';

function describe(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `missing; expected ${article(issue.expected)}`
        : `expected ${article(issue.expected)}, got ${show(issue.input)}`;
    case 'too_small':
      return `expected ${bound(issue.origin, 'at least', issue.minimum)}, got ${show(issue.input)}`;
    case 'too_big':
      return `expected ${bound(issue.origin, 'at most', issue.maximum)}, got ${show(issue.input)}`;
    case 'invalid_value':
      return oneOf(issue.values.map(String), issue.input);
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, knownKeys(issue.inst))).join(separator);
    case 'invalid_union':
      return describeUnion(issue);
    case 'invalid_format':
      return `expected text that matches ${issue.pattern ?? issue.format}, got ${show(issue.input)}`;
    case 'invalid_key':
      return `${issue.issues[0]?.message ?? 'expected another key'}, got ${show(issue.input)}`;
    case 'custom':
      return undefined;
    default:
      return undefined;
  }
}

function describeUnion(issue: Extract<RawIssue, { code: 'invalid_union' }>): string {
  const discriminator = 'discriminator' in issue ? String(issue.discriminator) : undefined;
  if (discriminator !== undefined) {
    const input = (issue.input as Record<string, unknown> | undefined)?.[discriminator];
    return oneOf(discriminatorValues(issue.inst, discriminator), input);
  }
  const expected = issue.errors.flatMap((option) => option.flatMap(expectedBy));
  if (issue.input === undefined) return `missing; expected ${[...new Set(expected)].join(' or ')}`;
  return `expected ${[...new Set(expected)].join(' or ')}, got ${show(issue.input)}`;
}

/** What one choice of a union asks for. */
function expectedBy(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.path.length > 0) return [];
  if (issue.code === 'invalid_type') return [article(issue.expected)];
  const [, expected] = /^expected (.*?)(?:, got .*)?$/s.exec(issue.message) ?? [];
  return expected === undefined ? [] : [expected];
}

function oneOf(values: readonly string[], input: unknown): string {
  const expected = `expected ${values.length === 1 ? '' : 'one of '}${values.join(', ')}`;
  if (input === undefined) return `missing; ${expected}`;
  const near = typeof input === 'string' ? nearest(input, values) : undefined;
  return `${expected}, got ${show(input)}${near ? `; did you mean ${near}?` : ''}`;
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  const hint = near ? `did you mean ${near}?` : `known here: ${[...known].sort().join(', ')}`;
  return `${key}${separator}unknown key; ${hint}`;
}

function discriminatorValues(schema: unknown, key: string): readonly string[] {
  const values = (schema as z.core.$ZodType | undefined)?._zod.propValues?.[key];
  return values ? [...values].map(String) : [];
}

function problemsOf(issue: z.core.$ZodIssue, source: Source): readonly string[] {
  const problem = (path: KeyPath, message: string) =>
    `${source.locate(path)}: ${path.length > 0 ? `${formatPath(path)}: ` : ''}${message}`;
  const inside = issue.code === 'invalid_union' ? insideOf(issue) : undefined;
  if (inside)
    return inside.flatMap((each) =>
      problemsOf({ ...each, path: [...issue.path, ...each.path] }, source),
    );
  if (issue.code !== 'unrecognized_keys') return [problem(issue.path, withInput(issue, source))];
  const parts = issue.message.split(separator);
  return issue.keys.map((key, index) =>
    problem([...issue.path, key], parts[index * 2 + 1] ?? 'unknown key'),
  );
}

/** What is wrong inside the one choice of a union whose shape was meant; undefined where none or several were. */
function insideOf({
  errors,
}: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] | undefined {
  const isInside = ({ path, code }: z.core.$ZodIssue) =>
    path.length > 0 || code === 'unrecognized_keys';
  const meant = errors.filter((issues) => issues.every(isInside));
  return meant.length === 1 ? meant[0] : undefined;
}

/** A schema's own message need not repeat what was written; it is added here. */
function withInput({ message, input, path }: z.core.$ZodIssue, source: Source): string {
  const complete = !message.startsWith('expected ') || message.includes(', got ');
  const written = writtenAt(source.value, path) ?? input;
  return complete || written === undefined ? message : `${message}, got ${show(written)}`;
}

/** What was written at a path, before it was read as a time or the like. */
function writtenAt(value: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Readonly<Record<PropertyKey, unknown>>)[key]
        : undefined,
    value,
  );
}

const articles: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  null: 'null',
};

function article(type: string): string {
  return articles[type] ?? type;
}

function bound(origin: string, words: string, limit: number | bigint): string {
  if (origin === 'string') return `${words} ${limit} characters`;
  if (origin === 'array' || origin === 'set' || origin === 'object')
    return `${words} ${limit} items`;
  return `a number of ${words} ${limit}`;
}
