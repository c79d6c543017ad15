import { harmlessKeywords, serverKeywords } from '../config/keywords.ts';

/** What the registry may set: `allow` is the default list, `deny` nothing, a list exactly itself. */
export type RegistryOptions = 'allow' | 'deny' | readonly string[];

export interface ParsedOptions {
  /** The words to take over, each a keyword followed by its value, if it has one. */
  readonly words: readonly string[];
  /** The text that was left out: not allowed, not well formed, or unknown. */
  readonly refused: readonly string[];
}

/**
 * Reads `haproxy_server_options` of a registry record, which anyone may have written. Words are
 * letters of a known shape only, so that no quote, comment, variable or line break comes through.
 */
export function parseOptions(text: string, allowed: RegistryOptions): ParsedOptions {
  const input = text.split(' ').filter((word) => word !== '');
  const words: string[] = [];
  const refused: string[] = [];
  let at = 0;
  while (at < input.length) {
    const keyword = input[at] ?? '';
    const shape = serverKeywords.get(keyword);
    if (shape === undefined) {
      // Nobody knows how many values an unknown word has, so nothing after it can be trusted.
      refused.push(...input.slice(at));
      break;
    }
    const option = input.slice(at, shape === null ? at + 1 : at + 2);
    at += option.length;
    const valid = shape === null || shape(option[1] ?? '');
    if (valid && isAllowed(keyword, allowed)) words.push(...option);
    else refused.push(option.join(' '));
  }
  return { words, refused: refused.map(printable) };
}

function isAllowed(keyword: string, allowed: RegistryOptions): boolean {
  if (allowed === 'deny') return false;
  return allowed === 'allow' ? harmlessKeywords.has(keyword) : allowed.includes(keyword);
}

/** Fit for a log line and a status page. */
function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');
}
