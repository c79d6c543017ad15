import { expect, test } from 'vitest';

import { createFingerprint } from './fingerprint.ts';

const row = (age: number, weight = 1, name = 'a') =>
  `2 web 1 ${name} 10.0.0.1 2 0 ${weight} 1 ${age} 1 0 2 0 0 0 0 - 80 - 0 0 - - 0\n`;

function of(text: string, size = text.length): number {
  const fingerprint = createFingerprint();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) fingerprint.take(bytes.subarray(at, at + size));
  return fingerprint.value();
}

const head = '1\n# be_id be_name srv_id srv_name\n';

test('states that differ by age alone are the same, in whatever pieces they come', () => {
  const one = of(`${head}${row(5)}${row(7, 1, 'b')}\n`);
  expect(of(`${head}${row(12_345)}${row(8, 1, 'b')}\n`)).toBe(one);
  for (const size of [1, 2, 7, 64])
    expect(of(`${head}${row(5)}${row(7, 1, 'b')}\n`, size)).toBe(one);
});

test.each([
  ['another weight', row(5, 2)],
  ['another name', row(5, 1, 'c')],
  ['a server more', `${row(5)}${row(5, 1, 'c')}`],
  ['none', ''],
])('%s is another', (_, rows) => {
  expect(of(`${head}${rows}\n`)).not.toBe(of(`${head}${row(5)}\n`));
});
