import { expect, test } from 'vitest';

import type { Instance } from '../instance/instance.ts';
import { defaultForm, idOf, readRegistration, registrationOf, serviceOf } from './registration.ts';

const web: Instance = { host: '10.0.0.1', port: 80, name: 'vm-1' };

test.each([
  ['/services/web', 'services-web'],
  ['web', 'web'],
  ['/a//b/', 'a-b'],
])('the path %s means the service %s', (path, service) => {
  expect(serviceOf(path)).toBe(service);
});

test.each<[string, Instance]>([
  ['no more than an address', { host: '::1', port: 80 }],
  [
    'everything',
    { ...web, weight: 0, labels: { zone: 'a', 'x.y/z': 'é' }, haproxyServerOptions: 'backup' },
  ],
  [
    'a long record',
    { ...web, haproxyServerOptions: 'x'.repeat(4096), labels: { a: 'ü'.repeat(500) } },
  ],
  [
    'many labels',
    { ...web, labels: Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`l${i}`, 'v'])) },
  ],
  [
    'labels that look like our own',
    { ...web, labels: { 'smartstack-record-0': 'x', 'consul-x': 'y' } },
  ],
])('%s is read as it was written, within what Consul takes', (_, instance) => {
  const { Meta: meta, Address: address, Port: port } = registrationOf('web', instance, defaultForm);
  expect(Object.keys(meta).length).toBeLessThanOrEqual(64);
  for (const [key, value] of Object.entries(meta)) {
    expect(key).toMatch(/^[\w-]{1,128}$/);
    expect(Buffer.byteLength(value)).toBeLessThanOrEqual(512);
  }
  const read = readRegistration('id', { meta, address, port: Number(port) });
  expect(read).toEqual({ ...instance, id: 'id' });
});

test('a registration that somebody moved to another address is not what nerve wrote', () => {
  const { Meta: meta } = registrationOf('web', web, defaultForm);
  expect(readRegistration('id', { meta, address: '10.0.0.2', port: 80 })).toBeUndefined();
});

test('an instance that Consul cannot hold is refused', () => {
  const labels = { long: 'x'.repeat(40_000) };
  expect(() => registrationOf('web', { ...web, labels }, defaultForm)).toThrow(
    'cannot announce in Consul: more than 64 values of meta',
  );
});

test('the id is the same for the same machine’s instance, and fits into a URL', () => {
  expect(idOf('web', web)).toBe('web-vm-1-10.0.0.1-80');
  expect(idOf('web', { ...web, name: 'a/b c' })).toBe('web-a_b_c-10.0.0.1-80');
});
