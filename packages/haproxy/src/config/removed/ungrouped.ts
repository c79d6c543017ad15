/** What a rule of whole lines looks for, and what it writes instead. */
type Pair = readonly [search: string, by: string];

/**
 * The same rule, where its first group holds what stays as it is (`^(Set-Cookie:.*)` by `\1;\ Secure`,
 * `^([^\ ]*\ /)old/(.*)` by `\1new/\2`), with that written out; any other rule as it is.
 */
export function ungrouped(search: string, by: string): Pair {
  const [, kept] = /^\\1(.*)$/.exec(by) ?? [];
  if (kept === undefined || /\\[01]/.test(kept)) return [search, by];
  return (
    wholeHeader(search, kept) ?? headerName(search, kept) ?? method(search, kept) ?? [search, by]
  );
}

/** `^(Name:.*)`: the value stays, and what follows is added. */
function wholeHeader(search: string, kept: string): Pair | undefined {
  const [, name, space, value, end = ''] =
    /^\^\(([\w-]+):(\\ )?([^()]*)\)(\$?)$/.exec(search) ?? [];
  const isValue = space !== undefined || value === '.*' || value === '.+';
  return name !== undefined && isValue && value && !/\\\d/.test(kept)
    ? [`^${name}:\\ (${value})${end}`, `${name}:\\ \\1${kept}`]
    : undefined;
}

/** `^(Name:\ )old`: the name stays. */
function headerName(search: string, kept: string): Pair | undefined {
  const [, name, space = '', rest] = /^\^\(([\w-]+):(\\ )?\)(.+)$/.exec(search) ?? [];
  if (name === undefined) return undefined;
  const value = kept.replace(/\\([2-9])/g, (_, group: string) => `\\${Number(group) - 1}`);
  return [`^${name}:${space}${rest}`, `${name}:${space}${value}`];
}

/** `^(GET\ )` or `^([^\ ]*\ /)`: the method stays, and the first slash where it is in the group. */
function method(search: string, kept: string): Pair | undefined {
  const [, any, slash = '', rest] =
    /^\^\(((?:\[[^\]]+\]|\\S)[*+])\\ (\/)?\)(.+)$/.exec(search) ?? [];
  return any === undefined ? undefined : [`^(${any})\\ ${slash}${rest}`, `\\1\\ ${slash}${kept}`];
}
