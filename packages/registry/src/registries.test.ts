import { createMetrics, silentLog } from '@smartstack/daemon';
import { expect, test } from 'vitest';

import { disposeAll } from './announcements.ts';
import { createRegistries } from './registries.ts';
import { splitChroot } from './zookeeper/connect-string.ts';

test.each([
  [['a:1', 'b:2'], { hosts: ['a:1', 'b:2'] }],
  [['a:1,b:2/stack'], { hosts: ['a:1', 'b:2'], chroot: '/stack' }],
  [['a:1', 'b:2/stack/'], { hosts: ['a:1', 'b:2'], chroot: '/stack' }],
  [['a:1 , b:2'], { hosts: ['a:1', 'b:2'] }],
  [['[::1]:2181/'], { hosts: ['[::1]:2181'] }],
])('%j names %j', (written, expected) => {
  expect(splitChroot(written)).toEqual(expected);
});

test('one folder is opened once', async () => {
  await using registries = createRegistries({ log: silentLog, metrics: createMetrics() });
  const first = registries.open({ type: 'file', directory: '/nowhere/a' });
  expect(registries.open({ type: 'file', directory: '/nowhere/a' })).toBe(first);
  expect(registries.open({ type: 'file', directory: '/nowhere/b' })).not.toBe(first);
});

test.each([
  ['throws', () => fail()],
  ['rejects', async () => fail()],
])(
  'one that %s when it is disposed of keeps no other from its end, which is waited for',
  async (_, broken) => {
    const ended: string[] = [];
    const slow = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      ended.push('slow');
    };
    const all = [broken, slow].map((dispose) => ({ [Symbol.asyncDispose]: dispose }));
    await expect(disposeAll(all)).rejects.toThrow('a defect');
    expect(ended).toEqual(['slow']);
  },
);

function fail(): never {
  throw new Error('a defect');
}
