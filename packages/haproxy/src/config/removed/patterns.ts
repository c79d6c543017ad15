import { isChoice, unquoted } from './written-line.ts';

/** What a regular expression of whole lines says of one header. */
export interface Header {
  readonly name: string;
  /** The expression of its value. */
  readonly value: string;
  /** Whether the expression takes the space before the value too, so that the value alone is left. */
  readonly isSpaced: boolean;
  readonly quoted: (text: string) => string;
}

/** The header that an expression such as `^X-Mode:\ (.*)` means; undefined where it may mean other lines too. */
export function headerOf(search: string): Header | undefined {
  const word = unquoted(search);
  const [, name, space = '', value = ''] =
    /^\^([\w-]+):((?:(?:\\? |\\s|\[\\? \]|\[\[:space:\]\])[*+]?)*)(.*)$/.exec(word?.text ?? '') ??
    [];
  if (!word || name === undefined || isChoice(value)) return undefined;
  return { name, value, isSpaced: space !== '', quoted: word.quoted };
}

/** The headers that an expression means by their names alone, as `del-header` takes them; undefined where it means more. */
export function namesOf(search: string): readonly string[] | undefined {
  const header = headerOf(search);
  if (header) return isAnything(header.value) ? [header.name] : undefined;
  const { text = '' } = unquoted(search) ?? {};
  const [, beginning] = /^\^([\w-]+)(?:\.[*+])?$/.exec(text) ?? [];
  if (beginning !== undefined) return [beginning, '-m', 'beg'];
  const [, names, value = '-'] = /^\^\(([\w-]+(?:\|[\w-]+)+)\):(?:\\? )?(.*)$/.exec(text) ?? [];
  // HAProxy has all names in small letters.
  return names !== undefined && isAnything(value)
    ? [`^(${names.toLowerCase()})$`, '-m', 'reg']
    : undefined;
}

/** Whether an expression matches whatever there is. */
export function isAnything(expression: string): boolean {
  return (
    /^\^?(\.[*+]?|\(\.\*\))?\$?$/.test(expression) && expression !== '^$' && expression !== '$'
  );
}

/** The new value that `Name:\ value` gives the header of that name; undefined where it gives none. */
export function replacementOf(by: string, header: string): string | undefined {
  const word = unquoted(by);
  const [, name = '', value = ''] = /^([\w-]+):(?:\\? )*(.*)$/.exec(word?.text ?? '') ?? [];
  if (!word || value === '' || value.includes('\\0')) return undefined;
  if (name.toLowerCase() !== header.toLowerCase()) return undefined;
  return word.quoted(value);
}

/** An expression of the path and query of a request line, and what replaces it. */
export interface RequestLine {
  readonly path: string;
  readonly by: string;
  readonly quoted: (text: string) => string;
}

/**
 * The common form `^([^\ :]*)\ /old/(.*)` by `\1\ /new/\2`: any method, which stays, a path, and the rest of
 * the line, which stays too. Undefined for any other: it may touch the method or the version.
 */
export function requestLineOf(search: string, by: string): RequestLine | undefined {
  const [from, to] = [unquoted(search), unquoted(by)];
  if (!from || !to) return undefined;
  const [, path] =
    /^\^\((?:\[\^(?:\\? |:)+\]|\[A-Z\]|\\S|\[\^\\s:?\])[*+]\)(?:\\? |\\s)(\/.*\(\.\*\)\$?|\(\/?\.\*\)\$?)$/.exec(
      from.text,
    ) ?? [];
  const [, target] = /^\\1(?:\\? )(.*)$/.exec(to.text) ?? [];
  if (path === undefined || target === undefined) return undefined;
  const groups = path.replace(/\\./g, '').match(/\((?!\?)/g)?.length ?? 0;
  const isEndKept = target.endsWith(`\\${groups + 1}`);
  const isPathOnly = !/ /.test(target) && !/\\[01]/.test(target) && !/ /.test(path);
  if (!isEndKept || !isPathOnly) return undefined;
  const shifted = target.replace(/\\([2-9])/g, (_, group: string) => `\\${Number(group) - 1}`);
  return { path, by: to.quoted(shifted), quoted: from.quoted };
}
