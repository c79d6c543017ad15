import fc from 'fast-check';

/** Text that a parser of HAProxy's file may take for more than text. */
const hostile = [
  '}',
  '{ ',
  '"',
  "'",
  `'"`,
  '%',
  '%%',
  '%[env(HOME)]',
  '%ci',
  '\\',
  '\\x0a',
  '\\1',
  '$HOME',
  '$' + '{HOME}',
  '#',
  ' # x',
  '-f',
  '-m',
  '--',
  'if',
  'unless',
  'or',
  '||',
  ' a  b ',
  'ü✓😀',
  '\u0085',
  ';',
  ',',
  ')',
] as const;

/** Any text without control characters. */
export const text = (most = 64): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom(...hostile),
    fc.array(fc.constantFrom(...hostile, 'a'), { maxLength: 4 }).map((parts) => parts.join('')),
    fc
      .string({ unit: 'grapheme', maxLength: most })
      .map((all) => all.replace(/\p{Cc}/gu, '').slice(0, most)),
    { weight: 1, arbitrary: fc.constant('é'.repeat(most)) },
  );

export const time = fc.oneof(
  fc.constantFrom('100ms', '1.5s', '30s', '1m', '1h', 1, 0.25),
  fc.integer({ min: 100, max: 86_400_000 }).map((each) => `${each}ms`),
);
export const share = fc.oneof(
  fc.constantFrom('0%', '0.0001%', '100%'),
  fc.integer({ min: 0, max: 100 }).map((each) => `${each}%`),
);
export const count = fc.oneof(fc.constantFrom(1, 1_000_000), fc.integer({ min: 1, max: 2000 }));
export const token = (characters: string, most: number) =>
  fc
    .array(fc.constantFrom(...characters), { minLength: 1, maxLength: most })
    .map((each) => each.join(''));
export const letters = 'abcxyzABCXYZ0189';
export const headerName = fc.oneof(
  fc.constantFrom('x-user', '-f', '-m', '--', 'if', 'unless', '0', 'accept'),
  token(`${letters}-_`, 128),
);
export const parameterName = fc.oneof(
  fc.constantFrom('-f', 'v', '~', '.'),
  token(`${letters}_.~-`, 128),
);
const method = fc.oneof(fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS'), token('ABCXYZ', 32));
export const methods = fc.uniqueArray(method, { minLength: 1, maxLength: 32 });
export const path = fc
  .oneof(
    fc.constantFrom('', 'v2', 'v2/', "it's", '%2e', '$HOME', '$&', 'a;b,c(d)*+!'),
    token(`${letters}._~!$&'()*+,;=:@%/-`, 1023),
  )
  .map((rest) => `/${rest}`);
export const some = <Words extends object>(
  words: { [Key in keyof Words]: fc.Arbitrary<Words[Key]> },
) => fc.record(words, { requiredKeys: [] });
/** The same where a text may not be empty. */
export const filled = (most: number) => text(most).map((each) => each || 'x');

const values = fc.dictionary(headerName, text(4096), { maxKeys: 3 });
export const key = fc.oneof(
  headerName.map((header) => ({ header })),
  parameterName.map((cookie) => ({ cookie })),
  fc.constant('source'),
);
export const balance = fc.oneof(
  fc.constantFrom('round_robin', 'least_request', 'random'),
  key.map((each) => ({ ring_hash: each })),
  key.map((each) => ({ maglev: each })),
);
export const causes = fc.uniqueArray(
  fc.constantFrom(
    'connect_failure',
    'reset',
    'timeout',
    401,
    403,
    404,
    408,
    425,
    429,
    500,
    501,
    502,
    503,
    504,
  ),
  { minLength: 1 },
);
export const subset = fc.dictionary(
  fc
    .oneof(fc.constantFrom('version', 'zone', 'route', 'limit', '__proto__'), text(128))
    .filter(Boolean),
  fc.oneof(fc.constantFrom('v1', 'v2', 'v2.all', 'a,b=c', true, 5), text()),
  { maxKeys: 2 },
);
export const host = fc.constantFrom('web.internal', '[::1]:80', 'a_b', 'www.example.com:8080');
export const headerChanges = some({
  set: values,
  add: values,
  remove: fc.array(headerName, { maxLength: 3 }),
});
export const body = fc.oneof(
  text(1024),
  fc.constantFrom('', 'a\nb', '\r\n\r\n', '\u0001\t', 'x'.repeat(1024), "'\n# if"),
);
