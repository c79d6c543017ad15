import { isBelow } from '../check/covers.ts';
import { routeNames } from '../check/routes.ts';
import type { Match } from '../words/match.ts';
import type { Route } from '../words/routes.ts';

/** A request as routes look at it. */
export interface PolicyRequest {
  readonly method: string;
  /** As it stands in the request line: the path and, behind a question mark, the query. */
  readonly url: string;
  /** Names in lower case; one may be there several times. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Where a request goes, and why. */
export interface Matched {
  /** The first route that matches; undefined where none does. */
  readonly index: number | undefined;
  readonly name: string;
  /** What it has that the route asks for, a sentence each. */
  readonly because: readonly string[];
  /** The routes before it, each with the first of its conditions that does not hold. */
  readonly passed: readonly {
    readonly index: number;
    readonly name: string;
    readonly why: string;
  }[];
}

/** What requests are called that no route matches. */
export const rest = 'rest';

/** The route of a request: the first that matches, by the rules that proxies go by. */
export function matchRoute(routes: readonly Route[], request: PolicyRequest): Matched {
  const names = routeNames(routes);
  const passed: Matched['passed'][number][] = [];
  for (const [index, { match = {} }] of routes.entries()) {
    const conditions = conditionsOf(match, request);
    const failed = conditions.find(({ holds }) => !holds);
    const name = names[index] ?? '';
    if (!failed) return { index, name, because: conditions.map(({ text }) => text), passed };
    passed.push({ index, name, why: failed.text });
  }
  return { index: undefined, name: rest, because: [], passed };
}

interface Condition {
  readonly holds: boolean;
  readonly text: string;
}

/** In the order in which they are looked at. */
function conditionsOf(match: Match, { method, url, headers }: PolicyRequest): readonly Condition[] {
  const [path = ''] = url.split('?', 1);
  const query = url.slice(path.length + 1);
  const {
    path: exact,
    path_prefix: prefix,
    headers: asked = {},
    methods,
    query: values = {},
  } = match;
  return [
    ...(exact === undefined ? [] : [condition('path', path, [exact])]),
    ...(prefix === undefined
      ? []
      : [
          {
            holds: isBelow(path, prefix),
            text: `the path ${path} is ${isBelow(path, prefix) ? '' : 'not '}${prefix} or below it`,
          },
        ]),
    ...Object.entries(asked).map(([name, value]) => {
      const given = headers.filter(([each]) => each === name).map(([, each]) => each);
      return valueCondition(given, `the header ${name}`, value);
    }),
    ...(methods ? [condition('method', method, methods)] : []),
    ...Object.entries(values).map(([name, value]) =>
      valueCondition(parametersOf(query, name), `the parameter ${name}`, value),
    ),
  ];
}

function condition(what: string, given: string, asked: readonly string[]): Condition {
  return asked.includes(given)
    ? { holds: true, text: `the ${what} is ${given}` }
    : { holds: false, text: `the ${what} ${given} is not ${asked.join(' or ')}` };
}

function valueCondition(given: readonly string[], what: string, asked: string): Condition {
  if (given.includes(asked)) return { holds: true, text: `${what} is ${JSON.stringify(asked)}` };
  const [first] = given;
  const text =
    first === undefined
      ? `${what} is missing`
      : `${what} is ${JSON.stringify(first)}, not ${JSON.stringify(asked)}`;
  return { holds: false, text };
}

/**
 * The values of a query parameter, decoded, up to the first that cannot be. `&`, `;` and `?` end a parameter,
 * and `+` is a space. What stands before a NUL is compared, as proxies written in C do.
 */
function parametersOf(query: string, name: string): readonly string[] {
  const found: string[] = [];
  for (const part of query.split(/[&;?]/)) {
    if (!part.startsWith(`${name}=`)) continue;
    const value = decoded(part.slice(name.length + 1));
    if (value === undefined) return found;
    found.push(value);
  }
  return found;
}

function decoded(text: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  const bytes: number[] = [];
  for (const [piece] of text.matchAll(/%[0-9a-f]{2}|./gis))
    if (piece.length === 3) bytes.push(Number.parseInt(piece.slice(1), 16));
    else bytes.push(...Buffer.from(piece === '+' ? ' ' : piece));
  return Buffer.from(bytes).toString().split('\0', 1)[0];
}
