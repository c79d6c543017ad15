import { subsetText } from '../subset.ts';
import type { Route, Target } from '../words/routes.ts';
import { conflictIn, covers } from './covers.ts';
import type { PolicyContext, PolicyProblem } from './problem.ts';

/** What is wrong with routes: among one another, and in each. */
export function routesProblems(
  routes: readonly Route[],
  context: Pick<PolicyContext, 'service' | 'services' | 'tcp'>,
): readonly PolicyProblem[] {
  const names = routeNames(routes);
  return routes.flatMap((route, index) => {
    const at = (message: string, ...path: readonly (string | number)[]): PolicyProblem => ({
      path: ['routes', index, ...path],
      message,
    });
    const first = names.indexOf(names[index] ?? '');
    return [
      ...(route.name === 'rest'
        ? [at('is what requests that no route matches are called; take another name', 'name')]
        : []),
      ...(first < index ? [at(`is the name of routes[${first}] too`, 'name')] : []),
      ...matchProblems(route, routes.slice(0, index), at),
      ...actionProblems(route, at),
      ...targetProblems(route.to ?? [], context, at),
      ...headerProblems(route, at),
      ...mirrorProblems(route, context, at),
    ];
  });
}

/** What metrics, logs and people call the routes of a service; `rest` is what no route matches. */
export function routeNames(routes: readonly Route[]): readonly string[] {
  return routes.map(({ name }, index) => name ?? String(index));
}

type At = (message: string, ...path: readonly (string | number)[]) => PolicyProblem;

function matchProblems(route: Route, earlier: readonly Route[], at: At): readonly PolicyProblem[] {
  const conflict = conflictIn(route.match ?? {});
  if (conflict !== undefined) return [at(`can never match: ${conflict}`, 'match')];
  const first = earlier.findIndex((other) => covers(other.match ?? {}, route.match ?? {}));
  if (first === -1) return [];
  return [
    at(
      `can never match: routes[${first}] takes all of its requests before; put it first, or match less there`,
      ...(route.match ? ['match'] : []),
    ),
  ];
}

function actionProblems(route: Route, at: At): readonly PolicyProblem[] {
  const own = (['respond', 'redirect', 'to'] as const).filter((word) => route[word] !== undefined);
  const problems: PolicyProblem[] = [];
  if (own.length > 1)
    problems.push(
      at(`give only one of ${own.join(' and ')}: a request has one answer`, own[0] ?? ''),
    );
  const { match, rewrite } = route;
  if (rewrite?.path_prefix !== undefined && !match?.path && !match?.path_prefix)
    problems.push(
      at('needs a match.path_prefix or match.path that it replaces', 'rewrite', 'path_prefix'),
    );
  if (route.redirect && route.redirect.host === undefined && route.redirect.path === undefined)
    problems.push(at('would lead to itself: give a host or a path', 'redirect'));
  return problems;
}

function targetProblems(
  targets: readonly Target[],
  { service, services, tcp }: Pick<PolicyContext, 'service' | 'services' | 'tcp'>,
  at: At,
): readonly PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  const seen = new Set<string>();
  for (const [index, target] of targets.entries()) {
    const name = target.service ?? service;
    const key = JSON.stringify([name, subsetText(target.subset ?? {})]);
    if (target.service !== undefined && !services.has(target.service))
      problems.push(
        at(
          `no service ${target.service} is followed here; add it to services`,
          'to',
          index,
          'service',
        ),
      );
    if (tcp?.has(name))
      problems.push(
        at(
          `${name} is tcp: requests go only where \`protocol\` is http, http2 or grpc`,
          'to',
          index,
          'service',
        ),
      );
    if (seen.has(key))
      problems.push(at('is the same as one before it; give one of them both weights', 'to', index));
    seen.add(key);
  }
  if (targets.length > 0 && targets.every(({ weight }) => weight === 0))
    problems.push(at('all weights are 0: no request could go anywhere', 'to'));
  return problems;
}

/** What a proxy itself says of a connection or a body, or has a word of its own. */
const reserved: Readonly<Record<string, string>> = {
  host: 'use rewrite.host',
  connection: 'the proxy sets it',
  'content-length': 'the proxy sets it',
  'transfer-encoding': 'the proxy sets it',
  upgrade: 'the proxy sets it',
};

function headerProblems({ headers = {} }: Route, at: At): readonly PolicyProblem[] {
  return (['request', 'response'] as const).flatMap((side) => {
    const { set = {}, add = {}, remove = [] } = headers[side] ?? {};
    const given = [
      ...Object.keys(set).map((name) => ['set', name] as const),
      ...Object.keys(add).map((name) => ['add', name] as const),
      ...remove.map((name) => ['remove', name] as const),
    ];
    return given.flatMap(([kind, name]) => {
      const why = Object.hasOwn(reserved, name) ? reserved[name] : undefined;
      return why === undefined
        ? []
        : [at(`${name} cannot be changed: ${why}`, 'headers', side, kind)];
    });
  });
}

function mirrorProblems(
  { mirror }: Route,
  { services }: Pick<PolicyContext, 'services'>,
  at: At,
): readonly PolicyProblem[] {
  if (!mirror || services.has(mirror.to.service)) return [];
  return [
    at(`no service ${mirror.to.service} is followed here; add it to services`, 'mirror', 'to'),
  ];
}
