import { expect, test } from 'vitest';

import { policySchema } from '../words/policy.ts';
import { routesProblems } from './routes.ts';

const context = {
  service: 'web',
  services: new Set(['web', 'other', 'database']),
  tcp: new Set(['database']),
};

test.each([
  [
    'the name of what no route matches',
    { name: 'rest', match: { path: '/a' } },
    ['name'],
    'is what requests that no route matches are called; take another name',
  ],
  [
    'a target that has no requests',
    { to: [{ service: 'other' }, { service: 'database' }] },
    ['to', 1, 'service'],
    'database is tcp: requests go only where `protocol` is http, http2 or grpc',
  ],
  [
    'a target that is not there',
    { to: { service: 'no' } },
    ['to', 0, 'service'],
    'no service no is followed here; add it to services',
  ],
])('%s is refused', (_, route, path, message) => {
  const { routes = [] } = policySchema.parse({ routes: [route] });
  expect(routesProblems(routes, context)).toEqual([{ path: ['routes', 0, ...path], message }]);
});

test('two subsets that are written alike are two', () => {
  const { routes = [] } = policySchema.parse({
    routes: [{ to: [{ subset: { a: '1,b=2' } }, { subset: { a: '1', b: '2' } }] }],
  });
  expect(routesProblems(routes, context)).toEqual([]);
});
