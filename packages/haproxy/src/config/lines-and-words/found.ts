import { type Policy, writtenLine, writtenWord } from '@smartstack/policy';

/** What stands against a word. */
export interface Found {
  readonly word: string;
  readonly path?: readonly (string | number)[];
  readonly message: string;
}

/** A raw line of a service. */
export interface RawLine {
  /** The path of the key that has it. */
  readonly key: string;
  readonly line: string;
}

/** That a word and a line say different things. */
export function bothText(policy: Policy, word: string, other: string): string {
  return `is ${textOf(policy, word)} here, and ${other}; keep one of them`;
}

/** The value of a word as it is written, in short. */
function textOf(policy: Policy, word: string): string {
  const keys = word.split('.');
  const value = keys.reduce<unknown>(
    (at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key],
    policy,
  );
  const text = writtenLine(writtenWord(keys.at(-1) ?? '', value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** A word of a line, so that equal times are equal texts whatever their units. */
export function normal(word: string): string {
  const [, digits, unit = 'ms'] = /^(\d+)(us|ms|s|m|h|d)?$/.exec(word) ?? [];
  return digits === undefined ? word : String(Number(digits) * (units[unit] ?? 1));
}

const units: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
