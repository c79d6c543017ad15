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

test('a list of many short elements is parsed in few parts', async () => {
  const count = 3_000_000;
  const before = process.memoryUsage().rss;
  const list = (await parse(`[${'0,'.repeat(count - 1)}0]`)) as readonly number[];
  expect(list).toHaveLength(count);
  // A part each would be 300 MB more.
  expect(process.memoryUsage().rss - before).toBeLessThan(250_000_000);
});

test.each([
  ['[%,,1]', 70_000],
  ['[1,,%]', 70_000],
  ['{"a":%,,"b":1}', 70_000],
  ['[%,]', 70_000],
  ['[%,"x]', 70_000],
  ['[%],[%]', 70_000],
  ['[%,%,%,,%]', 30_000],
  ['[%,%,%,%,]', 30_000],
  ['[%,%,%],[%]', 30_000],
  ['{"a":%,"b":%,"c":%,%:1,"d":%,}', 30_000],
  ['{"a":%,"b":%,"c":%,"d"}', 30_000],
])('%s with texts of %i characters is refused', async (form, length) => {
  await expect(parse(form.replaceAll('%', `"${'x'.repeat(length)}"`))).rejects.toThrow(
    'not valid JSON',
  );
});

test.each([
  `[${' '.repeat(200_000)}]`,
  `{"a":[${' '.repeat(200_000)}],"a":1}`,
  `[${Array.from({ length: 50_000 }, (_, at) => `{"n":${at},"s":"[,{ ü"}`).join(' , ')}]`,
  `{${Array.from({ length: 20_000 }, (_, at) => `"k${at % 7000}":[${at}]`).join()}}`,
])('a long text of another form is parsed as JSON.parse does it', async (text) => {
  expect(await parse(text)).toEqual(JSON.parse(text));
});

test('one long element does not hold the event loop', async () => {
  const item = { a: { b: { c: Array.from({ length: 400_000 }, () => 'abcdefghijklmnop') } } };
  const text = Buffer.from(JSON.stringify(item));
  let longest = 0;
  let last = performance.now();
  let isOver = false;
  const turn = () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const begin = performance.now();
  await parseJson(text, signal);
  isOver = true;
  expect(longest).toBeLessThan((performance.now() - begin) / 2);
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
