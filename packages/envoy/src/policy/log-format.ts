/**
 * What of an access log's own format is no operator by its form, with what follows it; undefined where all are. Which
 * operators there are, Envoy alone knows.
 */
export function badOperator(format: string): string | undefined {
  let at = format.indexOf('%');
  while (at !== -1) {
    const rest = format.slice(at);
    const [operator] = /^(?:%%|%[A-Z0-9_]+(?:\(.*?\))?(?::\d+)?%)/.exec(rest) ?? [];
    if (operator === undefined) return /^%\S{0,20}/.exec(rest)?.[0];
    at = format.indexOf('%', at + operator.length);
  }
  return undefined;
}
