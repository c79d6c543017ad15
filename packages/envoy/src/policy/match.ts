import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Match } from '@smartstack/policy';

import type { RouteMatchSchema } from '../proto/envoy/config/route/v3/route_components_pb.ts';
import { escaped } from './texts.ts';

type RouteMatch = MessageInitShape<typeof RouteMatchSchema>;

/** Which requests a route takes: all that is given must be so. */
export function matchOf(match: Match) {
  const { headers = {}, methods, query = {} } = match;
  return {
    ...pathOf(match),
    headers: [
      ...(methods ? [methodIn(methods)] : []),
      ...Object.entries(headers).map(([name, value]) => ({
        name,
        headerMatchSpecifier: stringMatch({ case: 'exact', value }),
      })),
    ],
    queryParameters: Object.entries(query).map(([name, value]) => ({
      name,
      queryParameterMatchSpecifier: stringMatch(parameter(value)),
    })),
  };
}

/** A condition that a request's method is one of these. */
export const methodIn = (methods: readonly string[]) => ({
  name: ':method',
  headerMatchSpecifier: stringMatch({
    case: 'safeRegex',
    value: { regex: methods.map(escaped).join('|') },
  }),
});

/** A path is below a prefix where the prefix ends at one of its slashes. */
function pathOf({ path, path_prefix: prefix }: Match): Pick<RouteMatch, 'pathSpecifier'> {
  if (path !== undefined) return { pathSpecifier: { case: 'path', value: path } };
  const start = withoutSlash(prefix ?? '/');
  return start === ''
    ? { pathSpecifier: { case: 'prefix', value: '/' } }
    : { pathSpecifier: { case: 'pathSeparatedPrefix', value: start } };
}

/** A prefix without the slash at its end. */
export const withoutSlash = (prefix: string): string => prefix.replace(/\/+$/, '');

type Pattern =
  | { readonly case: 'exact'; readonly value: string }
  | { readonly case: 'safeRegex'; readonly value: { readonly regex: string } };

const stringMatch = (matchPattern: Pattern) =>
  ({ case: 'stringMatch', value: { matchPattern } }) as const;

/**
 * Envoy compares parameters as they stand in the request, where characters that a URL has a meaning for are encoded, or
 * not; `+` is a space there, and `%` begins what is encoded. A value of many of these is compared as it is encoded mostly.
 */
function parameter(value: string): Pattern {
  if (/^[\w.~-]*$/.test(value)) return { case: 'exact', value };
  const parts = [...value].map((letter) => {
    if (/[\w.~-]/.test(letter)) return escaped(letter);
    const encoded = [...Buffer.from(letter)].map(encodedByte).join('');
    if (letter === ' ') return `(?:\\+|${encoded})`;
    return letter > '\u007e' || /[%+]/.test(letter) ? encoded : `(?:${escaped(letter)}|${encoded})`;
  });
  const regex = parts.join('');
  if (regex.length <= longestRegex) return { case: 'safeRegex', value: { regex } };
  return { case: 'exact', value: asSent(value) };
}

/** As most clients encode it; unlike the language's own function it takes any text. */
const asSent = (value: string) =>
  value.replace(/[^\w.~-]/gu, (letter) =>
    [...Buffer.from(letter)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );

function encodedByte(byte: number): string {
  const digits = byte.toString(16).padStart(2, '0');
  return `%${digits.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)}`;
}

/** Envoy refuses a regular expression of more than 100 steps (`re2.max_program_size`). */
const longestRegex = 70;

/** Methods in groups of which each is one condition. */
export function methodGroups(methods: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [];
  for (const method of methods) {
    const last = groups.at(-1);
    if (last && [...last, method].join('|').length <= longestRegex) last.push(method);
    else groups.push([method]);
  }
  return groups;
}
