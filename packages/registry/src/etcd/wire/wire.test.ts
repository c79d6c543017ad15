import { expect, test } from 'vitest';

import { createFrameReader, framed } from './frames.ts';
import { decode, encode } from './protobuf.ts';

test.each([
  ['a small number', { 1: 150 }, '089601'],
  ['the largest number', { 1: 0x7fff_ffff_ffff_ffffn }, '08ffffffffffffffff7f'],
  ['a negative number', { 1: -1n }, '08ffffffffffffffffff01'],
  ['a text', { 2: 'testing' }, '120774657374696e67'],
  ['a repeated field', { 11: ['a', 'b'] }, '5a01615a0162'],
  ['what is left out', { 1: 0, 2: undefined, 3: false }, ''],
  ['nothing inside', { 3: Buffer.alloc(0) }, '1a00'],
])('a message is written as protobuf has it: %s', (_, message, expected) => {
  expect(encode(message).toString('hex')).toBe(expected);
});

test('a message is read, and fields that are not known are skipped', () => {
  const unknown = Buffer.from('4d000000004100000000000000000a0161', 'hex');
  const fields = decode(Buffer.concat([encode({ 5: 300, 6: -2n, 7: 'x' }), unknown]));
  expect([fields.number(5), fields.bigint(6), fields.bytes(7).toString()]).toEqual([300, -2n, 'x']);
  expect(fields.all(1).map(String)).toEqual(['a']);
  expect([fields.number(99), fields.bytes(99).length, fields.all(99)]).toEqual([0, 0, []]);
});

test.each([
  '08',
  '0a05616263',
  '0b',
  '08ffffffffffffffffffff01',
  '0affffffffffffffff7f',
  '0affffffffffffffffff01',
])('what is no message is refused: %s', (hex) => {
  expect(() => decode(Buffer.from(hex, 'hex'))).toThrow('not a protobuf message');
});

test('messages come whole, however they are cut', () => {
  const all = Buffer.concat(['one', '', 'three'].map((text) => framed(Buffer.from(text))));
  for (let size = 1; size <= all.length; size += 1) {
    const frames = createFrameReader();
    const read: string[] = [];
    for (let at = 0; at < all.length; at += size)
      for (const message of frames.read(all.subarray(at, at + size))) read.push(String(message));
    expect(read).toEqual(['one', '', 'three']);
    expect(frames.isWithin()).toBe(false);
  }
});
