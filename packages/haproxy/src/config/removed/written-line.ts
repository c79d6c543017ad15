/** An escaped character, a quoted text, or one that stands for itself. */
const piece = /\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s\\"'#]/;
const words = new RegExp(`(?:${piece.source})+`, 'g');
const code = new RegExp(`^(?:\\s|${piece.source})*(?:#|$)`);

/**
 * A line of HAProxy's language in words as they are written, up to a comment: escapes and quotes are still
 * in them. Undefined where a quote is left open.
 */
export function writtenWords(line: string): readonly string[] | undefined {
  const [read] = code.exec(line) ?? [];
  return read?.replace(/#$/, '').match(words) ?? (read === undefined ? undefined : []);
}

/** A word without the quotes around it, and how to write another one in its place. */
export interface Unquoted {
  readonly text: string;
  readonly quoted: (text: string) => string;
}

/** Undefined where quotes or control characters stand inside a word: only HAProxy can tell what it reads then. */
export function unquoted(word: string): Unquoted | undefined {
  const quote = /^(["']).*\1$/.exec(word)?.[1] ?? '';
  const text = quote === '' ? word : word.slice(1, -1);
  if (/["']|\\[nrtx]/.test(text)) return undefined;
  return { text, quoted: (other) => `${quote}${other}${quote}` };
}

/** Whether a regular expression is a choice as a whole, so that what stands before it binds to its first part only. */
export function isChoice(expression: string): boolean {
  const plain = expression.replace(/\\./g, '').replace(/\[\^?\]?[^\]]*\]/g, '');
  let depth = 0;
  for (const character of plain) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === '|' && depth === 0) return true;
  }
  return false;
}

/** The same expression without regard to case: marked only where case matters. */
export function withoutCase(expression: string): string {
  return /[A-Za-z]/.test(expression.replace(/\\./g, '')) ? `(?i)${expression}` : expression;
}
