import { expect, test } from 'vitest';

import { join, parentOf, pathProblem, prefixed, unprefixed } from './path.ts';

test.for([
  ['/', undefined],
  ['/a/b.c-d_e', undefined],
  ['/a/...', undefined],
  ['/ünïcode/日本', undefined],
  ['', 'a path starts with /'],
  ['a', 'a path starts with /'],
  ['/a/', 'a path does not end with /'],
  ['/a//b', 'a path has no empty names'],
  ['/a/./b', 'a path has no relative names'],
  ['/a/..', 'a path has no relative names'],
  ['/a\u0000', 'a path has no control or private characters'],
  ['/a\u001f', 'a path has no control or private characters'],
] as const)('%j: %s', ([path, problem]) => {
  expect(pathProblem(path)).toBe(problem);
});

test('parents and children', () => {
  expect(parentOf('/a/b')).toBe('/a');
  expect(parentOf('/a')).toBe('/');
  expect(parentOf('/')).toBe('/');
  expect(join('/', 'a')).toBe('/a');
  expect(join('/a', 'b')).toBe('/a/b');
});

test.for(['', '/root', '/deep/er'])(
  'a chroot "%s" is put before a path and taken away again',
  (root) => {
    for (const path of ['/', '/a', '/a/b'])
      expect(unprefixed(root, prefixed(root, path))).toBe(path);
    expect(prefixed('/root', '/')).toBe('/root');
  },
);
