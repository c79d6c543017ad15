import { expect, test } from 'vitest';

import { decodeInstance } from './instance/instance.ts';
import { instanceOfName, namesFirst } from './path-encoding.ts';

const web = { host: '10.0.0.1', port: 80, name: 'vm-1', labels: { zone: 'a' } };

/** As nerve writes it: Ruby pads, and the length counts the padding. */
function nameOf(value: unknown, sequence = '0000000042'): string {
  const text = Buffer.from(JSON.stringify(value))
    .toString('base64')
    .replace(/\+/g, '-')
    .replace(/\//g, '_');
  return `base64_${text.length}_${text}_${sequence}`;
}

test('a name carries the whole instance', () => {
  const id = nameOf(web);
  expect(instanceOfName(id)).toEqual({ ...web, id });
});

test('base64 may hold the underscore that separates', () => {
  const id = nameOf({ ...web, name: '???>>>' });
  expect(id).toMatch(/_.*_.*_.*_/);
  expect(instanceOfName(id)).toMatchObject({ name: '???>>>' });
});

test.each([
  'vm-1_0000000042',
  'base64_0_0000000042',
  'base64_x_e30=_0000000042',
  'base64_4_e30=_0000000042',
  'base64_8_$$$$$$$$_0000000042',
  nameOf({ host: 'a b', port: 1 }),
])('%s carries none', (id) => {
  expect(instanceOfName(id)).toBeUndefined();
});

test('the record itself is read where the name carries none', () => {
  const decode = namesFirst(decodeInstance);
  const data = Buffer.from('{"host":"b","port":2}');
  expect(decode('vm-1_0000000042', data)).toMatchObject({ host: 'b' });
  expect(decode('base64_4_e30=_0000000042', data)).toMatchObject({ host: 'b' });
  expect(decode(nameOf(web), data)).toMatchObject({ host: '10.0.0.1' });
});
