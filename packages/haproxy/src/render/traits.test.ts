// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables, not JavaScript's
import { expect, test } from 'vitest';

import { traitsOf } from './traits.ts';
import { capabilitiesOf } from './version.ts';

const of = (
  lines: string[],
  { defaults = [] as string[], options = '', version = '2.6.12' } = {},
) => traitsOf(lines, defaults, { serverOptions: options, capabilities: capabilitiesOf(version) });

test.each([
  [[], undefined],
  [['balance roundrobin'], undefined],
  [['balance leastconn'], undefined],
  [['balance random(2)'], undefined],
  [['balance source', 'hash-type consistent'], undefined],
  [['balance static-rr'], 'balance static-rr takes no new servers at runtime'],
  [
    ['balance source'],
    'balance source takes no new servers at runtime without hash-type consistent',
  ],
  [['mode http', 'cookie S insert'], 'HAProxy 2.6.12 takes no cookie of a server at runtime'],
  [
    ['default-server check resolvers dns'],
    'HAProxy 2.6.12 takes no resolvers of a server at runtime',
  ],
  [['default-server ssl-reuse'], 'HAProxy 2.6.12 takes no ssl-reuse of a server at runtime'],
])('servers are added to %j at runtime unless: %j', (lines, obstacle) => {
  expect(of(lines).obstacle).toBe(obstacle);
});

test('what HAProxy can do depends on its version', () => {
  expect(of(['mode http', 'cookie S insert'], { version: '3.0.11' }).obstacle).toBeUndefined();
  expect(of([], { version: '2.4.0' }).obstacle).toBe(
    'HAProxy 2.4.0 takes no new servers at runtime',
  );
  expect(of([], { options: 'check "${X}"' }).obstacle).toContain('variables');
});

test('the backend wins over the defaults, and its own servers are known', () => {
  const traits = of(['mode tcp', 'default-server fall 2', 'server mine 127.0.0.1:1'], {
    defaults: ['mode http', 'cookie S insert', 'default-server check'],
  });
  expect(traits).toMatchObject({ http: false, cookies: false, defaults: ['check', 'fall', '2'] });
  expect([...traits.ownServers]).toEqual(['mine']);
});
