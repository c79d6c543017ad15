import fc from 'fast-check';
import { expect, test } from 'vitest';

import { limitTable } from '../policy/tables.ts';
import { panicName, spillName, subsetName, variantName } from './names.ts';

test.each([
  [{}, 'web'],
  [{ version: 'v2' }, 'web.version-v2'],
  [{ zone: 'a', version: '1.2.3' }, 'web.version-1.2.3:zone-a'],
  [{ version: 'a b' }, 'web.c789572db4ff'],
  [{ route: 'x' }, 'web.9c43845b91ab'],
])('a subset is called by its labels: %j', (subset, name) => {
  expect(subsetName('web', subset as Record<string, string>)).toBe(name);
});

const label = fc.constantFrom('a', 'b', 'a-b', 'route', 'limit', 'all', 'a=b', 'a,b');
const value = fc.constantFrom(
  '',
  'x',
  'x.all',
  'x.spill1',
  'x.route-r',
  'b-x',
  'x,b=x',
  'x:b-x',
  'x.b-x',
);

test('two backends of a service never have one name', () => {
  const names = new Map<string, string>();
  fc.assert(
    fc.property(fc.dictionary(label, value, { maxKeys: 2 }), (subset) => {
      const own = subsetName('web', subset);
      const all = [own, variantName(own, 'r')]
        .flatMap((each) => [each, spillName(each, 1)])
        .flatMap((each) => [each, panicName(each)]);
      const key = JSON.stringify(Object.entries(subset).sort());
      for (const [index, name] of [...all, limitTable('web', 'r')].entries()) {
        const whose = index === all.length ? 'limit' : `${key} ${index}`;
        expect(names.get(name) ?? whose).toBe(whose);
        names.set(name, whose);
      }
    }),
    { numRuns: 1000 },
  );
});
