import { describe, expect, test } from 'vitest';
import { policySchema } from '../words/policy.ts';
import { matchRoute, type PolicyRequest } from './match.ts';
import type { QueryReading } from './query.ts';

const get = (url: string, ...headers: PolicyRequest['headers']): PolicyRequest => ({
  method: 'GET',
  url,
  headers,
});

function takes(match: object, request: PolicyRequest, reading: QueryReading = 'every'): boolean {
  const { routes = [] } = policySchema.parse({ routes: [{ match }] });
  return matchRoute(routes, request, reading).index === 0;
}

// What the proxies themselves make of the same is shown by test/policy/try.test.ts.
describe('a route takes', () => {
  test.each([
    ['any request without a match', {}, get('/')],
    ['a path, whatever its query', { path: '/a' }, get('/a?b')],
    ['a prefix itself', { path_prefix: '/v2' }, get('/v2')],
    ['a path below a prefix', { path_prefix: '/v2' }, get('/v2/a')],
    ['a prefix that was written with a slash', { path_prefix: '/v2/' }, get('/v2')],
    ['all below the root', { path_prefix: '/' }, get('/a')],
    ['a header whatever its case', { headers: { 'X-A': '1' } }, get('/', ['x-a', '1'])],
    ['one of equal headers', { headers: { 'x-a': '1' } }, get('/', ['x-a', '2'], ['x-a', '1'])],
    ['a method of its list', { methods: ['POST', 'GET'] }, get('/')],
    ['a parameter', { query: { v: '2' } }, get('/?a=1&v=2')],
    ['a parameter behind ;', { query: { v: '2' } }, get('/?a=1;v=2')],
    ['an encoded value', { query: { v: 'a b&é' } }, get('/?v=a+b%26%c3%A9')],
    ['one of equal parameters', { query: { v: '2' } }, get('/?v=1&v=2')],
  ])('%s', (_, match, request) => {
    expect(takes(match, request)).toBe(true);
  });
});

describe('a route does not take', () => {
  test.each([
    ['another path', { path: '/a' }, get('/a/')],
    ['another case', { path: '/a' }, get('/A')],
    ['a path that only begins like its prefix', { path_prefix: '/v2' }, get('/v20')],
    ['an encoded path', { path: '/a' }, get('/%61')],
    ['a part of a header', { headers: { 'x-a': '1' } }, get('/', ['x-a', '1, 2'])],
    ['another method', { methods: ['POST'] }, get('/')],
    ['a parameter by another case', { query: { v: '2' } }, get('/?V=2')],
    ['a parameter without a value', { query: { v: '2' } }, get('/?v')],
    ['a value that cannot be decoded', { query: { v: '2' } }, get('/?v=%zz&v=2')],
    ['what holds in part', { path: '/a', methods: ['POST'] }, get('/a')],
  ])('%s', (_, match, request) => {
    expect(takes(match, request)).toBe(false);
  });
});

describe('where only the first value of a parameter counts, a route', () => {
  test.each([
    ['takes one that is encoded', 'a b&é', '/?v=a+b%26%c3%A9&v=2', true],
    ['takes what stands behind another separator', '1;v=2', '/?v=1;v=2', true],
    ['does not look at the second', '2', '/?v=1&v=2', false],
    ['does not look behind ;', '2', '/?a=1;v=2', false],
    ['takes no letter that is encoded', 'a', '/?v=%61', false],
    ['takes none that cannot be decoded', '%', '/?v=%', false],
    ['takes none that is missing', '1', '/', false],
  ])('%s', (_, v, url, isTaken) => {
    expect(takes({ query: { v } }, get(url), 'first')).toBe(isTaken);
  });
});

test('it says why it is that route, and of each one before what failed first', () => {
  const { routes = [] } = policySchema.parse({
    routes: [
      { name: 'old', match: { path_prefix: '/v1', methods: ['GET'] } },
      { match: { path: '/v2', headers: { 'x-a': '1' } } },
      { match: { headers: { 'x-b': '1' } } },
      { name: 'posted', match: { methods: ['POST', 'PUT'] } },
      { name: 'canary', match: { path_prefix: '/v2', query: { v: '2' } } },
    ],
  });
  expect(matchRoute(routes, get('/v2?v=2', ['x-a', '2']), 'every')).toEqual({
    index: 4,
    name: 'canary',
    because: ['the path /v2 is /v2 or below it', 'the parameter v is "2"'],
    passed: [
      { index: 0, name: 'old', why: 'the path /v2 is not /v1 or below it' },
      { index: 1, name: '1', why: 'the header x-a is "2", not "1"' },
      { index: 2, name: '2', why: 'the header x-b is missing' },
      { index: 3, name: 'posted', why: 'the method GET is not POST or PUT' },
    ],
  });
  expect(matchRoute(routes, get('/'), 'every')).toMatchObject({ index: undefined, name: 'rest' });
});
