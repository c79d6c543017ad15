import { harmlessKeywords, serverKeywords } from '../config/keywords.ts';

/** What the registry may set: `allow` is the default list, `deny` nothing, a list exactly itself. */
export type RegistryOptions = 'allow' | 'deny' | readonly string[];

export interface ParsedOptions {
  /** The words to take over, each a keyword followed by its value, if it has one. */
  readonly words: readonly string[];
  readonly refused: readonly RefusedOption[];
}

/** An option that was left out, as it was announced, and why. */
export interface RefusedOption {
  readonly option: string;
  readonly reason: 'not allowed' | 'not its value' | 'not a keyword';
}

/**
 * Reads `haproxy_server_options` of a registry record, which anyone may have written. Words are
 * letters of a known shape only, so that no quote, comment, variable or line break comes through;
 * `fill` puts what a template stands for in its place, which must have that shape too.
 */
export function parseOptions(
  text: string,
  allowed: RegistryOptions,
  fill: (word: string) => string = (word) => word,
): ParsedOptions {
  const input = text.split(' ').filter((word) => word !== '');
  const words: string[] = [];
  const refused: RefusedOption[] = [];
  let at = 0;
  while (at < input.length) {
    const keyword = input[at] ?? '';
    const shape = serverKeywords.get(keyword);
    // How many values an unknown word has is not known, so nothing after it can be trusted.
    const end = shape === undefined ? input.length : at + (shape === null ? 1 : 2);
    const option = input.slice(at, end);
    at = end;
    const filled = option.map(fill);
    const isValid = shape === null || shape?.(filled[1] ?? '');
    if (isValid && isAllowed(keyword, allowed)) words.push(...filled);
    else refused.push({ option: printable(option.join(' ')), reason: reasonOf(shape, isValid) });
  }
  return { words, refused };
}

function reasonOf(shape: unknown, isValid: boolean | undefined): RefusedOption['reason'] {
  if (shape === undefined) return 'not a keyword';
  return isValid ? 'not allowed' : 'not its value';
}

function isAllowed(keyword: string, allowed: RegistryOptions): boolean {
  if (allowed === 'deny') return false;
  return allowed === 'allow' ? harmlessKeywords.has(keyword) : allowed.includes(keyword);
}

/** Fit for a log line and a status page. */
function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');
}
