import { policySchema } from '@smartstack/policy';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createExpansion } from '../backends/expand.ts';
import { haproxyServiceSchema } from '../config/config.ts';
import { ownOf } from '../config/section.ts';
import { splitWords } from '../render/words.ts';
import { accessLogLines } from './access-log.ts';
import { path, text } from './any-words.fixture.ts';
import { policyFiles } from './files.ts';
import { frontendLines } from './frontend.ts';

/** A policy with a text of a user's in each place that takes one. */
const policyWith = (texts: readonly string[], paths: readonly string[], body: string) => ({
  routes: [
    {
      match: {
        path: paths[0],
        headers: { 'x-a': texts[0] || 'x', 'x-b': texts[1] || 'x' },
        query: { q: texts[2] || 'x' },
      },
      headers: {
        request: { set: { 'x-c': texts[3] }, add: { 'x-d': texts[4] } },
        response: { set: { 'x-e': texts[5] }, add: { 'x-f': texts[6] } },
      },
      rewrite: { path_prefix: paths[1], host: 'web.internal' },
      to: { subset: { version: texts[7] } },
    },
    { match: { path_prefix: paths[2] }, rewrite: { path_prefix: paths[3] } },
    { match: { path: '/b' }, respond: { status: 200, body, type: texts[8] } },
    { match: { path: '/c' }, redirect: { path: paths[4] } },
    { match: { path: '/d' }, redirect: { host: 'web', path: paths[5] } },
  ],
});
const counts = { texts: 9, paths: 6 };

/** The lines of the frontend that HAProxy has of it, each as the words that it reads. */
function wordsOf(written: object): readonly (readonly string[])[] {
  const service = {
    name: 'web',
    instances: [],
    defaults: [],
    protocol: 'http' as const,
    policy: { policy: policySchema.parse(written), origins: new Map() },
    own: { haproxy: haproxyServiceSchema.parse({ port: 3213 }) },
    origin: 'here',
  };
  const { snapshot } = createExpansion()(new Map([['web', service]]));
  const first = snapshot.get('web');
  const traffic = first && ownOf(first)?.traffic;
  if (!traffic) throw new Error('no traffic');
  const { settings, rules, choice } = frontendLines(traffic, {
    files: policyFiles('/h.cfg'),
    syslog: undefined,
  });
  return [...settings, ...rules, ...choice].map(read);
}

/** A line's words as HAProxy reads them, bytes that are escaped as `\x0a` among them. */
function read(line: string): readonly string[] {
  expect(line).not.toMatch(/[\n\r\0]/);
  // Each escaped byte is one character meanwhile, of those that no text has.
  const marked = line.replace(/'[^']*'|\\x([0-9a-f]{2})/g, (all, byte?: string) =>
    byte === undefined ? all : String.fromCharCode(0xf700 + Number.parseInt(byte, 16)),
  );
  const words = splitWords(marked);
  if (!words) throw new Error(`only HAProxy can tell: ${line}`);
  return words.map((word) =>
    Buffer.concat(
      [...word].map((one) => {
        const code = one.codePointAt(0) ?? 0;
        return code >= 0xf700 && code < 0xf800 ? Buffer.of(code - 0xf700) : Buffer.from(one);
      }),
    ).toString(),
  );
}

/** What a text is in the word of a line: as it is, or as text of a log format or of a regular expression. */
function meant(value: string, [rule, action]: readonly string[], at: number): string {
  if (action === 'replace-path' && at === 2) return value.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  const isFormat = /^(set|add)-(header|path)$|^(replace-path|redirect)$/.test(action ?? '');
  return rule?.startsWith('http-') && isFormat ? value.replaceAll('%', '%%') : value;
}

const tokens = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name}${String.fromCharCode(65 + index)}z`);
const tame = {
  texts: tokens('text', counts.texts),
  paths: tokens('path', counts.paths).map((each) => `/${each}`),
};
const tameWords = wordsOf(policyWith(tame.texts, tame.paths, 'bodyz'));

const list = (arbitrary: fc.Arbitrary<string>, length: number) =>
  fc.array(arbitrary, { minLength: length, maxLength: length });
const filled = text(128).filter((each) => each !== '' && !/\p{Cs}/u.test(each));

test('whatever users write, HAProxy reads the words that are meant, and no others', () => {
  fc.assert(
    fc.property(
      list(filled, counts.texts),
      list(
        path.filter((each) => !each.endsWith('/')),
        counts.paths,
      ),
      // But for what marks escaped bytes meanwhile.
      fc.string({ unit: 'binary', minLength: 1 }).filter((each) => !/[\0\uf700-\uf7ff]/.test(each)),
      (texts, paths, body) => {
        const hostileWords = wordsOf(policyWith(texts, paths, body));
        const pairs = [
          ...tame.texts.map((token, index) => [token, texts[index] ?? ''] as const),
          ...tame.paths.map(
            (token, index) => [token.slice(1), (paths[index] ?? '').slice(1)] as const,
          ),
          ['bodyz', body] as const,
        ];
        const expected = tameWords.map((line) =>
          line.map((word, at) =>
            pairs.reduce(
              (all, [token, value]) => all.split(token).join(meant(value, line, at)),
              word,
            ),
          ),
        );
        // A subset's name is made of its label: a hash, or the label itself.
        const plain = (lines: readonly (readonly string[])[]) =>
          lines.map((line) => line.filter((word) => !/web\.|_web/.test(word)));
        expect(plain(hostileWords)).toEqual(plain(expected));
      },
    ),
    { numRuns: 60 },
  );
});

test.each(['%ci', `{"a":"%s"}`, `it's "%ci" #1 $HOME \\ end`, "'", '"', '-f', ' a  b '])(
  'the format of a log is one word: %s',
  (format) => {
    const traffic = {
      service: 'web',
      protocol: 'http' as const,
      policy: policySchema.parse({ access_log: { format } }),
      builtIn: [],
      isPanic: false,
    };
    const target = { files: policyFiles('/h.cfg'), syslog: undefined };
    const line = accessLogLines(traffic, target).at(-1) ?? '';
    expect(read(line)).toEqual(['log-format', format]);
  },
);
