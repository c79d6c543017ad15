/**
 * The words of a HAProxy configuration line, as its parser reads them: quotes and backslashes are
 * resolved, a comment ends the line. Undefined when only HAProxy can tell: an environment variable
 * in double quotes, a control character's escape, an open quote.
 */
export function splitWords(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if (character === '\\' && quote !== "'") {
      const escaped = line.charAt(++at);
      if (/[nrtx]/.test(escaped)) return undefined;
      word = (word ?? '') + escaped;
    } else if (quote !== '') {
      if (character === quote) quote = '';
      else if (character === '$' && quote === '"') return undefined;
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (character === '#') {
      break;
    } else if (character === ' ' || character === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== '') return undefined;
  if (word !== undefined) words.push(word);
  return words;
}

/** A word as the runtime API must be told it: its separators escaped. */
export function commandWord(word: string): string {
  return word.replace(/[\\ ;]/g, '\\$&');
}

/** What a line begins with, in small letters and single spaces, to compare with keywords. */
export function startsWith(line: string, keyword: string): boolean {
  const text = line.trim();
  // Most lines differ in their first letter, and there are many.
  if (text.charAt(0).toLowerCase() !== keyword.charAt(0)) return false;
  const normal = text.replace(/\s+/g, ' ').toLowerCase();
  return normal === keyword || normal.startsWith(`${keyword} `);
}
