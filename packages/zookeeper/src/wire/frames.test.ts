import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createFrames } from './frames.ts';

function framed(content: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(content.length);
  return Buffer.concat([length, content]);
}

test('whatever the cuts, the frames that come out are those that went in', () => {
  const contents = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(contents, cuts, (parts, sizes) => {
      const stream = Buffer.concat(parts.map(framed));
      const frames: string[] = [];
      const reader = createFrames((frame) => frames.push(frame.toString('hex')));
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = sizes[turn % sizes.length] as number;
        reader.push(stream.subarray(at, at + size));
        at += size;
      }
      expect(frames).toEqual(parts.map((part) => framed(part).toString('hex')));
    }),
  );
});

test.for([-1, 0x7fffffff, 0x48545450])('a length of %i is refused', (length) => {
  const head = Buffer.alloc(4);
  head.writeInt32BE(length);
  const reader = createFrames(() => {});
  expect(() => reader.push(head)).toThrow(`a frame of ${length} bytes cannot be ZooKeeper's`);
});
