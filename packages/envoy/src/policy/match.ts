import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Match } from '@smartstack/policy';

import type { RouteMatchSchema } from '../proto/envoy/config/route/v3/route_components_pb.ts';
import { escaped } from './values.ts';

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

/** Envoy compares parameters as they stand in the request: any of their characters may be encoded there. */
function parameter(value: string): Pattern {
  const regex = [...Buffer.from(value)].map((byte) => {
    const [high = '', low = ''] = byte.toString(16).padStart(2, '0');
    const encoded = `%${either(high)}${either(low)}`;
    if (byte > 0x7e) return encoded;
    const plain = byte === 0x20 ? '\\+' : escaped(String.fromCharCode(byte));
    return `(?:${plain}|${encoded})`;
  });
  return { case: 'safeRegex', value: { regex: regex.join('') } };
}

const either = (digit: string) =>
  /[a-f]/.test(digit) ? `[${digit}${digit.toUpperCase()}]` : digit;
