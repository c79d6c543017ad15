import { expect, test } from 'vitest';

import { inheritDefaults, withoutInherited } from './inherit.ts';
import { parseSource } from './source.ts';

const all = () => true;
const text = `defaults:
  weight: 1
  proxy:
    lines: [a, b]
    port: 80
services:
  plain: {}
  own:
    weight: null
    proxy: {lines: [c]}
`;

test('a service has what the defaults say of keys that it was written without', () => {
  const { value } = inheritDefaults(parseSource('f', text), all);
  expect(value).toMatchObject({
    services: {
      plain: { weight: 1, proxy: { lines: ['a', 'b'], port: 80 } },
      own: { weight: null, proxy: { lines: ['c'], port: 80 } },
    },
  });
});

test('what is not to be inherited is not', () => {
  const { value } = inheritDefaults(
    parseSource('f', text),
    (key, own) => key !== 'proxy' || own !== undefined,
  );
  expect(value).toMatchObject({ services: { own: { proxy: { port: 80 } } } });
  expect((value as { services: { plain: object } }).services.plain).toEqual({ weight: 1 });
});

test('what comes from the defaults is located there', () => {
  const { locate } = inheritDefaults(parseSource('f', text), all);
  expect(locate(['services', 'plain', 'proxy', 'lines', 1])).toBe('f:4:16');
  expect(locate(['services', 'own', 'proxy', 'port'])).toBe('f:5:5');
  expect(locate(['services', 'own', 'proxy', 'lines', 0])).toBe('f:10:21');
  expect(locate(['services', 'own', 'other'])).toBe('f:8:3');
});

test('a source without defaults is itself', () => {
  const source = parseSource('f', 'services: {a: {}}');
  expect(inheritDefaults(source, all)).toBe(source);
});

test('a problem of the defaults is one, however many services inherit it', () => {
  expect(
    withoutInherited([
      'f:2:3: defaults.wait: unknown key',
      'f:2:3: services.a.wait: unknown key',
      'f:2:3: services.b.wait: unknown key',
      'f:9:3: services.b.port: missing',
    ]),
  ).toEqual(['f:2:3: defaults.wait: unknown key', 'f:9:3: services.b.port: missing']);
});
