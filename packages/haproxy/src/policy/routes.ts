import { type Match, type Policy, routeNames } from '@smartstack/policy';

import { quoted } from './quote.ts';

/** The condition that a request is one of a route's. */
export const routeAcl = (name: string) => `synapse_route_${name}`;

/** The route of requests that no route matches. */
export const rest = 'rest';

/** Lines that find the route of each request: the first that matches counts. */
export function routeLines({ routes = [] }: Policy): readonly string[] {
  const names = routeNames(routes);
  if (routes.length === 0) return [];
  return [
    ...routes.flatMap(({ match = {} }, index) => {
      const name = names[index] ?? '';
      const conditions = conditionsOf(match, name);
      const acls = conditions.map(([acl, test]) => `acl ${acl} ${test}`);
      const all = conditions.map(([acl]) => acl).join(' ');
      return [
        ...acls,
        `http-request set-var(txn.synapse_route) str(${name}) if !{ var(txn.synapse_route) -m found } ${all}`.trim(),
      ];
    }),
    `http-request set-var(txn.synapse_route) str(${rest}) unless { var(txn.synapse_route) -m found }`,
    ...names.map((name) => `acl ${routeAcl(name)} var(txn.synapse_route) -m str -- ${name}`),
  ];
}

/** Each condition of a match with its name; named ones, since braces could be ended by a value. */
function conditionsOf(match: Match, route: string): readonly (readonly [string, string])[] {
  const { path, path_prefix: prefix, headers = {}, methods, query = {} } = match;
  const tests = [
    ...(path === undefined ? [] : [`path -m str -- ${quoted(path)}`]),
    // With a slash behind, /v2 and /v2/a begin with /v2/, and /v20 does not.
    ...(prefix === undefined
      ? []
      : [`path,concat(/) -m beg -- ${quoted(prefix.endsWith('/') ? prefix : `${prefix}/`)}`]),
    ...Object.entries(headers).map(
      ([name, value]) => `req.fhdr(${name}) -m str -- ${quoted(value)}`,
    ),
    ...(methods ? [`method -m str -- ${methods.join(' ')}`] : []),
    ...Object.entries(query).map(
      ([name, value]) => `url_param(${name}),url_dec(1) -m str -- ${quoted(value)}`,
    ),
  ];
  return tests.map((test, index) => [`synapse_match_${route}_${index}`, test]);
}
