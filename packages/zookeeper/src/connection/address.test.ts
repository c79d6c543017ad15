import { expect, test } from 'vitest';

import { format, parseHost, resolve } from './address.ts';

test.for([
  ['zk1', { name: 'zk1', port: 2181 }],
  ['zk1:2182', { name: 'zk1', port: 2182 }],
  ['10.0.0.1:2181', { name: '10.0.0.1', port: 2181 }],
  ['[::1]:2183', { name: '::1', port: 2183 }],
  ['[fe80::1]', { name: 'fe80::1', port: 2181 }],
  ['fe80::1', { name: 'fe80::1', port: 2181 }],
] as const)('%s is %j', ([text, host]) => {
  expect(parseHost(text)).toEqual(host);
  expect(parseHost(format(host))).toEqual(host);
});

test.for([
  '',
  ':2181',
  'a b:1',
  'zk:port',
  '[zk]:1',
  '[::1',
  'zk:0',
  'zk:65536',
  'zk1,zk2',
  'zk/x',
])('"%s" is refused', (text) => {
  expect(() => parseHost(text)).toThrow(`cannot use ZooKeeper host "${text}": `);
});

test('an address needs no resolver, and a name gives its addresses', async () => {
  expect(await resolve({ name: '::1', port: 1 })).toEqual([{ name: '::1', port: 1, ip: '::1' }]);
  const found = await resolve({ name: 'localhost', port: 1 });
  expect(found.map(({ ip }) => ip)).toContain('127.0.0.1');
});
