import { create, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';

import { golden, goldenFiles } from './golden.fixture.ts';
import { schemas } from './json.ts';

/** `UPDATE_GOLDEN=1` writes what comes out today. */
describe('golden files', () => {
  test.each(goldenFiles)('%s', (name) => {
    const { text, expected, update } = golden(name);
    if (process.env.UPDATE_GOLDEN) update(text);
    else expect(text).toBe(expected);
  });

  test.each(goldenFiles)(
    '%s: what is encoded is all known, and the same when it is encoded again',
    (name) => {
      for (const list of Object.values(golden(name).made.resources))
        for (const { type, value } of list.values()) {
          const message: Message = fromBinary(schemas[type], value);
          expect(unknownIn(message)).toEqual([]);
          expect(
            Buffer.from(toBinary(schemas[type], create(schemas[type], message as never))),
          ).toEqual(Buffer.from(value));
        }
    },
  );
});

/** The fields of a message, and of those in it, that its schema does not know. */
function unknownIn(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  const { $unknown: own = [], ...rest } = value as { readonly $unknown?: readonly unknown[] };
  return [...own, ...Object.values(rest).flatMap(unknownIn)];
}
