import { z } from 'zod';

import { nearest } from './nearest.ts';
import { ConfigError, type KeyPath, type Source } from './source.ts';

/** Parses a source by a schema; throws a `ConfigError` that lists every problem, each with its place. */
export function validate<S extends z.ZodType>(schema: S, source: Source): z.output<S> {
  const parsed = schema.safeParse(source.value, { error: describe, reportInput: true });
  if (parsed.success) return parsed.data;
  throw new ConfigError(parsed.error.issues.flatMap((issue) => problemsOf(issue, source)));
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

type RawIssue = z.core.$ZodRawIssue;

/** What each unknown key was probably meant to be travels inside the message of its one issue. */
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
  const expected = issue.errors.flatMap((option) =>
    option.flatMap((inner) => (inner.code === 'invalid_type' ? [article(inner.expected)] : [])),
  );
  if (issue.input === undefined) return `missing; expected ${[...new Set(expected)].join(' or ')}`;
  return `expected ${[...new Set(expected)].join(' or ')}, got ${show(issue.input)}`;
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

function knownKeys(schema: unknown): readonly string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function discriminatorValues(schema: unknown, key: string): readonly string[] {
  const values = (schema as z.core.$ZodType | undefined)?._zod.propValues?.[key];
  return values ? [...values].map(String) : [];
}

function problemsOf(issue: z.core.$ZodIssue, source: Source): readonly string[] {
  const problem = (path: KeyPath, message: string) =>
    `${source.locate(path)}: ${path.length > 0 ? `${formatPath(path)}: ` : ''}${message}`;
  if (issue.code !== 'unrecognized_keys') return [problem(issue.path, withInput(issue))];
  const parts = issue.message.split(separator);
  return issue.keys.map((key, index) =>
    problem([...issue.path, key], parts[index * 2 + 1] ?? 'unknown key'),
  );
}

/** A schema's own message need not repeat what was written; it is added here. */
function withInput({ message, input }: z.core.$ZodIssue): string {
  const complete = !message.startsWith('expected ') || message.includes(', got ');
  return complete || input === undefined ? message : `${message}, got ${show(input)}`;
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
