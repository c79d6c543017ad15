import { isBelow } from '../check/covers.ts';
import { routeNames } from '../check/routes.ts';
import type { Match } from '../words/match.ts';
import type { Route } from '../words/routes.ts';
import { parametersOf, type QueryReading } from './query.ts';

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

/** The route of a request: the first that matches, by the rules that a proxy goes by. */
export function matchRoute(
  routes: readonly Route[],
  request: PolicyRequest,
  reading: QueryReading,
): Matched {
  const names = routeNames(routes);
  const passed: Matched['passed'][number][] = [];
  for (const [index, { match = {} }] of routes.entries()) {
    const conditions = conditionsOf(match, request, reading);
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
function conditionsOf(
  match: Match,
  { method, url, headers }: PolicyRequest,
  reading: QueryReading,
): readonly Condition[] {
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
      valueCondition(parametersOf(query, name, reading), `the parameter ${name}`, value),
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
