// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables, not JavaScript's
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { freePort } from '../support/ports.ts';
import { subjects } from './subject.fixture.ts';
import {
  ask,
  type Member,
  serviceOf,
  startMember,
  startWorld,
  type World,
} from './world.fixture.ts';

/** Text that a parser of HAProxy's file could take for more than text. */
const texts = [
  '}',
  '{ a }',
  '"',
  "'",
  `it's "x"`,
  '%',
  '100%',
  '%[env(HOME)]',
  '%%',
  '\\',
  '\\x41',
  '$HOME',
  '${HOME}',
  '#',
  'a # b',
  '-f',
  '-f /etc/passwd',
  '-m',
  '--',
  'if',
  'unless',
  'if TRUE',
  '||',
  'a,b;c',
  'zürich ✓ 😀',
  'é'.repeat(512),
];

const latin1 = (text: string) => Buffer.from(text).toString('latin1');
const utf8 = (text: unknown) => Buffer.from(String(text), 'latin1').toString();

/** Text of a configuration, in which `${NAME}` would be the environment's. */
const plain = <Value>(value: Value): Value =>
  JSON.parse(JSON.stringify(value).replaceAll('${', () => '$${'));

const bodies = [...texts, 'one\ntwo\r\n\r\nGET / HTTP/1.1\n', '\t\u0001', 'x'.repeat(1024)];
const routes = [
  ...texts.map((text, index) => ({
    name: `header-${index}`,
    match: { path: '/', headers: { 'x-text': text } },
    respond: { status: 200, body: `header ${index}` },
  })),
  ...texts.map((text, index) => ({
    name: `query-${index}`,
    match: { path: '/query', query: { q: text } },
    respond: { status: 200, body: `query ${index}` },
  })),
  { match: { path: '/no' }, respond: { status: 204, body: 'never sent' } },
  {
    match: { path: '/set' },
    headers: {
      request: {
        set: {
          'x-none': '',
          ...Object.fromEntries(texts.map((text, index) => [`x-${index}`, text])),
        },
      },
      response: { add: Object.fromEntries(texts.map((text, index) => [`y-${index}`, text])) },
    },
  },
  {
    match: { path: "/it's(a)$HOME;%20" },
    rewrite: { path_prefix: "/that's+[1]".replace(/[[\]]/g, '*') },
  },
  {
    match: { path_prefix: "/p.(a)+'$" },
    rewrite: { path_prefix: '/%25\u0027$&' },
  },
];

describe.each(subjects)('text of users on $title', (subject) => {
  let world: World;
  let member: Member;
  let port = 0;
  let bodyPort = 0;
  beforeAll(async () => {
    member = await startMember('a');
    port = await freePort();
    bodyPort = await freePort();
    world = await startWorld(
      {
        web: serviceOf(port, [member], plain({ routes })),
        bodies: serviceOf(
          bodyPort,
          [member],
          plain({
            routes: bodies.map((body, index) => ({
              match: { path: `/${index}` },
              respond: { status: 200, body, type: "text/plain; x='%[env(HOME)]'" },
            })),
          }),
        ),
      },
      {},
      subject,
    );
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await member?.[Symbol.asyncDispose]();
  });

  describe.concurrent('is text to it', () => {
    test.each(texts.map((text, index) => [text, index] as const))(
      'matches: %s',
      async (text, index) => {
        const headers = { 'x-text': latin1(text) };
        expect((await ask(port, '/', { headers })).body).toBe(`header ${index}`);
        expect((await ask(port, '/', { headers: { 'x-text': `${latin1(text)}x` } })).body).toBe(
          'a',
        );
        const query = `/query?q=${encodeURIComponent(text)}`;
        expect((await ask(port, query)).body).toBe(`query ${index}`);
      },
    );

    test.each(bodies.map((body, index) => [body, index] as const))(
      'is a body: %s',
      async (body, index) => {
        const answer = await ask(bodyPort, `/${index}`);
        expect(answer).toMatchObject({ status: 200, body });
        expect(answer.headers['content-type']).toBe("text/plain; x='%[env(HOME)]'");
      },
    );

    test('is a header’s value', async () => {
      const answer = await ask(port, '/set');
      const seen = member.seen.find(({ url }) => url === '/set');
      for (const [index, text] of texts.entries()) {
        expect(utf8(seen?.headers[`x-${index}`])).toBe(text);
        expect(utf8(answer.headers[`y-${index}`])).toBe(text);
      }
      expect(seen?.headers['x-none']).toBe('');
    });

    test('is a path', async () => {
      await ask(port, "/it's(a)$HOME;%20?x=1");
      await ask(port, "/p.(a)+'$/more/%20?x=2");
      const urls = member.seen.map(({ url }) => url);
      expect(urls).toContain("/that's+*1*?x=1");
      expect(urls).toContain("/%25'$&/more/%20?x=2");
    });

    test('an answer without a body has none', async () => {
      const none = await ask(port, '/no');
      expect(none).toMatchObject({ status: 204, body: '' });
      expect(none.headers['content-length'] ?? '0').toBe('0');
    });
  });
});
