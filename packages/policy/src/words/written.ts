import type { Policy } from './policy.ts';

const times: ReadonlySet<string> = new Set([
  'after',
  'back_off',
  'connect',
  'eject_for',
  'idle',
  'p50',
  'p95',
  'p99',
  'per',
  'per_try',
  'queue',
  'request',
  'slow_start',
  'time',
  'window',
]);
const shares: ReadonlySet<string> = new Set([
  'availability',
  'budget',
  'max_share',
  'panic',
  'share',
]);

/** A policy as users write it: times such as `250ms` or `1m`, shares such as `20%`. */
export function written(policy: Policy): Readonly<Record<string, unknown>> {
  return writtenWord('', policy) as Readonly<Record<string, unknown>>;
}

/** The value of one word, whose last key this is, as users write it. */
export function writtenWord(key: string, value: unknown): unknown {
  if (typeof value === 'number') {
    if (times.has(key)) return writtenTime(value);
    return shares.has(key) ? writtenShare(value) : value;
  }
  if (Array.isArray(value)) return value.map((each) => writtenWord(key, each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([each, below]) => [each, writtenWord(each, below)]),
  );
}

const units = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** Milliseconds in the largest unit of which they are a whole number. */
export function writtenTime(milliseconds: number): string {
  const [unit, size] = units.find(([, each]) => milliseconds % each === 0) ?? ['ms', 1];
  return `${milliseconds / size}${unit}`;
}

/** A number from 0 to 1 as a share, which has four decimals at most. */
export function writtenShare(part: number): string {
  return `${Number((part * 100).toFixed(4))}%`;
}

/** The value of a word in one line, as YAML takes it. */
export function writtenLine(value: unknown): string {
  if (typeof value === 'string') return isPlain(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(writtenLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Object.entries(value).map(([key, each]) => `${key}: ${writtenLine(each)}`);
  return `{${parts.join(', ')}}`;
}

/** Whether a text is one to YAML without quotes, too. */
function isPlain(text: string): boolean {
  const isWord = /^(true|false|null|yes|no|on|off|y|n|~)$/i.test(text);
  return /^[\w./][\w./%-]*$/.test(text) && !isWord && Number.isNaN(Number(text));
}
