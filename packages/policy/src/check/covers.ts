import type { Match } from '../words/match.ts';

/** Whether a path is a prefix itself, or lies below it: `/v2` and `/v2/` have `/v2` and `/v2/a`, not `/v20`. */
export function isBelow(path: string, prefix: string): boolean {
  return `${path}/`.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}

/** Whether every request that the second matches is matched by the first, too. */
export function covers(first: Match, second: Match): boolean {
  return (
    coversPath(first, second) &&
    hasAll(second.headers, first.headers) &&
    hasAll(second.query, first.query) &&
    (first.methods === undefined ||
      (second.methods?.every((method) => first.methods?.includes(method)) ?? false))
  );
}

/** Why a match can never be; undefined where it can. */
export function conflictIn({ path, path_prefix: prefix }: Match): string | undefined {
  if (path === undefined || prefix === undefined || isBelow(path, prefix)) return undefined;
  return `the path ${path} is not below ${prefix}`;
}

function coversPath(first: Match, second: Match): boolean {
  if (first.path !== undefined) return second.path === first.path;
  if (first.path_prefix === undefined) return true;
  const narrower = second.path ?? second.path_prefix;
  return narrower !== undefined && isBelow(narrower, first.path_prefix);
}

function hasAll(
  given: Readonly<Record<string, string>> = {},
  asked: Readonly<Record<string, string>> = {},
): boolean {
  return Object.entries(asked).every(
    ([name, value]) => Object.hasOwn(given, name) && given[name] === value,
  );
}
