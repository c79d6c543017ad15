import { expect, test } from 'vitest';

import { createFingerprints, fingerprintsOf } from './fingerprint.ts';

const row = (age: number, weight = 1, name = 'a', backend = 'web') =>
  `2 ${backend} 1 ${name} 10.0.0.1 2 0 ${weight} 1 ${age} 1 0 2 0 0 0 0 - 80 - 0 0 - - 0\n`;

function of(text: string, size = text.length): ReadonlyMap<string, number> {
  const fingerprints = createFingerprints();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) fingerprints.take(bytes.subarray(at, at + size));
  return fingerprints.values();
}

const head = '1\n# be_id be_name srv_id srv_name\n';

test('states that differ by age alone are the same, in whatever pieces they come', () => {
  const text = `${head}${row(5)}${row(7, 1, 'b')}${row(1, 1, 'a', 'api')}\n`;
  const one = of(text);
  expect([...one.keys()]).toEqual(['web', 'api']);
  expect(of(text.replaceAll(' 5 ', ' 12345 ').replaceAll(' 7 ', ' 8 '))).toEqual(one);
  expect(fingerprintsOf(text)).toEqual(one);
  for (const size of [1, 2, 7, 64]) expect(of(text, size)).toEqual(one);
});

test('a backend alone amounts to what it does among others', () => {
  const web = `${row(5)}${row(5, 1, 'b')}`;
  const all = of(`${head}${row(5, 1, 'a', 'we')}${web}${row(5, 1, 'a', 'webs')}`);
  expect(all.get('web')).toBe(of(`${head}${web}`).get('web'));
  expect(all.size).toBe(3);
});

test.each([
  ['another weight', row(5, 2)],
  ['another name', row(5, 1, 'c')],
  ['a server more', `${row(5)}${row(5, 1, 'c')}`],
  ['none', ''],
])('%s is another', (_, rows) => {
  expect(of(`${head}${rows}\n`).get('web')).not.toBe(of(`${head}${row(5)}\n`).get('web'));
});
