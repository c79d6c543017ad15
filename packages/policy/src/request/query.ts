/**
 * How a proxy reads a query: every value of a parameter counts, and `&`, `;` and `?` end one; or the first value
 * alone, and only `&` does.
 */
export type QueryReading = 'every' | 'first';

/** The values of a query parameter that count, decoded. */
export function parametersOf(
  query: string,
  name: string,
  reading: QueryReading,
): readonly string[] {
  const isEvery = reading === 'every';
  const given = query
    .split(isEvery ? /[&;?]/ : '&')
    .filter((part) => part.startsWith(`${name}=`))
    .map((part) => part.slice(name.length + 1));
  return isEvery ? everyDecoded(given) : firstDecoded(given);
}

/** Up to the first that cannot be decoded. What stands before a NUL is compared, as proxies written in C do. */
function everyDecoded(given: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (const text of given) {
    const value = decoded(text);
    if (value === undefined) return found;
    found.push(value.split('\0', 1)[0] ?? '');
  }
  return found;
}

/** Letters and digits that are encoded all the same are not looked for. */
function firstDecoded([text]: readonly string[]): readonly string[] {
  const value = text === undefined || hasNeedless(text) ? undefined : decoded(text);
  return value === undefined ? [] : [value];
}

const hasNeedless = (text: string) =>
  [...text.matchAll(/%([0-7][0-9a-f])/gi)].some(([, digits = '']) =>
    /[\w.~-]/.test(String.fromCharCode(Number.parseInt(digits, 16))),
  );

/** `+` is a space. */
function decoded(text: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  const bytes: number[] = [];
  for (const [piece] of text.matchAll(/%[0-9a-f]{2}|./gis))
    if (piece.length === 3) bytes.push(Number.parseInt(piece.slice(1), 16));
    else bytes.push(...Buffer.from(piece === '+' ? ' ' : piece));
  return Buffer.from(bytes).toString();
}
