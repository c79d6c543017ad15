import { duration } from '@smartstack/daemon';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import { fill, keyTables } from '../../scripts/generate/document.ts';
import { annotatedSchemaOf, plainSchemaOf } from '../../scripts/generate/json-schema.ts';
import { originalsTables } from '../../scripts/generate/originals.ts';

const described = { description: 'how long', examples: ['2s'] };

/** What a document with these tables becomes. */
function written(schema: z.ZodType, ...tables: readonly string[]): string {
  const document = tables
    .map((table) => `<!-- keys: nerve ${table} -->\nold\n<!-- end -->`)
    .join('\n');
  const schemas = { nerve: annotatedSchemaOf(schema) };
  return fill(document, { keys: keyTables(document, schemas) });
}

const rowsOf = (text: string) => text.split('\n').filter((line) => line.startsWith('| `'));

describe('a table of keys', () => {
  test('has form, unit, default, meaning and example of each, also of those below', () => {
    const schema = z.strictObject({
      pause: duration.prefault(0.5).meta(described),
      name: z.string().meta({ description: 'a | b', examples: ['web'] }),
      more: z
        .union([z.literal(false), z.strictObject({ on: z.boolean().meta({ description: 'on' }) })])
        .optional()
        .meta({ description: 'more', otherwise: 'none', examples: [false] }),
    });
    expect(rowsOf(written(schema, '.'))).toEqual([
      '| `pause` | seconds | 0.5 s | how long | `pause: 2s` |',
      '| `name` | text | required | a \\| b | `name: web` |',
      '| `more` | `false` or mapping | none | more | `more: false` |',
      '| `more.on` | true or false | required | on | `on: true` |',
    ]);
  });

  test('names the kinds that have a key, where not all have', () => {
    const kind = z.discriminatedUnion('type', [
      z
        .strictObject({ type: z.literal('a'), wait: duration.optional().meta(described) })
        .meta({ description: 'one' }),
      z
        .strictObject({
          type: z.literal('b'),
          wait: duration.optional().meta(described),
          own: z.literal(1).meta({ description: 'its own' }),
        })
        .meta({ description: 'the other' }),
    ]);
    const schema = z.strictObject({
      kinds: z.array(kind).meta({ description: 'several', examples: [[{ type: 'a' }]] }),
    });
    expect(rowsOf(written(schema, '.', 'kinds[]'))).toEqual([
      '| `kinds` | list of mapping | required | several | `kinds: [{type: a}]` |',
      '| `type` |  |',
      '| `a` | one |',
      '| `b` | the other |',
      '| `wait` | all | seconds |  | how long | `wait: 2s` |',
      '| `own` | `b` | `1` | required | its own | `own: 1` |',
    ]);
  });

  test('is filled in where it was, and nothing else is touched', () => {
    const text = 'before\n\n<!-- note -->\n<!-- x: y -->\n<!-- end -->\nafter';
    expect(fill(text, { x: (argument) => `for ${argument}` })).toBe(
      'before\n\n<!-- note -->\n<!-- x: y -->\n\nfor y\n\n<!-- end -->\nafter',
    );
  });
});

describe('what is forgotten is an error', () => {
  test.each([
    ['a description', z.string().meta({ examples: ['a'] }), 'nerve: key has no description'],
    ['an example', z.string().meta({ description: 'a' }), 'nerve: key has no examples'],
    [
      'a default as users write it',
      duration.default(500).meta(described),
      'the default 500 is not what users write; give it as prefault',
    ],
    [
      'a table for its mode',
      z.boolean().meta({ description: 'a', mode: 'other' }),
      'nerve: no table for key',
    ],
  ])('%s', (_, key, message) => {
    expect(() => written(z.strictObject({ key }), '.')).toThrow(message);
  });

  test('a table of the keys at the top', () => {
    const schema = z.strictObject({ key: z.strictObject({ a: z.boolean() }) });
    expect(() => written(schema, 'key')).toThrow("no table of nerve's own keys");
  });

  test('that a table leads somewhere', () => {
    const schema = z.strictObject({ a: z.boolean().meta({ description: 'a' }) });
    expect(() => written(schema, '.', 'b')).toThrow('there is no b in b');
  });

  test('that a key of the originals is taken', () => {
    const nerve = annotatedSchemaOf(z.strictObject({ a: z.boolean() }));
    const table = (key: object) =>
      originalsTables({ nerve: [{ key: 'a', here: 'the same', ...key }] }, { nerve })('nerve');
    expect(table({})).toContain('| `a` | the same |  |');
    expect(table({ idle: true })).toContain('| `a` | without effect: the same |  |');
    expect(() => table({ key: 'b' })).toThrow(/^nerve: b is not taken$/);
  });
});

test('editors are told the unit and what holds otherwise, in the description', () => {
  const schema = z.strictObject({
    unit: duration.optional().meta({ ...described, otherwise: "the top level's" }),
    key: z.string().optional().meta({ description: 'a key', otherwise: 'required with it' }),
  });
  expect(plainSchemaOf(annotatedSchemaOf(schema)).properties).toMatchObject({
    unit: {
      description: "how long. Seconds, or text such as 500ms, 2s, 1m. Default: the top level's",
      type: ['number', 'string'],
      minimum: 0,
    },
    key: { description: 'a key. Required with it', type: 'string' },
  });
});
