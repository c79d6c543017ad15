import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseJson } from './json.ts';

const signal = new AbortController().signal;
const parse = (text: string) => parseJson(Buffer.from(text), signal);
const filler = ` "${'x'.repeat(70_000)}"`;

test('a long text is parsed as JSON.parse does it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ noUnicodeString: false }), fc.jsonValue(), async (one, two) => {
      const text = `{"a" :[ ${JSON.stringify(one)},${filler} ,${JSON.stringify(two)}],"b":${filler}, "":{} ,"c":[]}`;
      expect(await parse(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: 100 },
  );
});

test.each(
  [
    '{"a":%,}',
    '[%,]',
    '[,%]',
    '[% 1]',
    '{"a" %}',
    '{a:%}',
    '[%',
    '{"a":%}}',
    '[[%}]',
    '{"a":[%]',
    '{1:%}',
    '{"a":1 "b":%}',
    '[%}',
  ].map((each) => [each]),
)('%s is refused', async (form) => {
  await expect(parse(form.replace('%', filler))).rejects.toThrow('not valid JSON');
});

test('a key __proto__ is a key as any other', async () => {
  const value = (await parse(`{"__proto__":{"a":1},"b":${filler}}`)) as object;
  expect(Object.keys(value)).toEqual(['__proto__', 'b']);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

test('a long answer does not hold the event loop', async () => {
  const item = { metadata: { name: 'web-abc', labels: { a: 'b' } }, endpoints: ['10.0.0.1'] };
  const text = Buffer.from(JSON.stringify({ items: Array.from({ length: 200_000 }, () => item) }));
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const value = (await parseJson(text, signal)) as { readonly items: unknown[] };
  isOver = true;
  expect(value.items).toHaveLength(200_000);
  // In one go others would have none, however fast the machine is.
  expect(turns).toBeGreaterThan(8);
});
