// biome-ignore-all lint/suspicious/noTemplateCurlyInString: as users write it
import { describe, expect, test } from 'vitest';

import { ConfigError, parseSource } from './source.ts';

const environment = { ZK: 'zk1', TAG: 'blue', PORT: '8080', EMPTY: '', QUOTE: 'a"b: [c' };
const variables = (erb: boolean) => ({
  environment,
  erb,
  isForeign: (keys: readonly string[]) => keys.includes('listen'),
});
const read = (text: string, erb = true) => parseSource('s.yaml', text, variables(erb)).value;
const problemsOf = (text: string): readonly string[] => {
  try {
    read(text);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

describe("the originals' ERB forms that read the environment are filled in", () => {
  test.each([
    [`host: "<%= ENV['ZK'] %>:2181"`, { host: 'zk1:2181' }],
    [`host: '<%= ENV["ZK"] %>'`, { host: 'zk1' }],
    [`hosts: [<%= ENV['ZK'] %>, b]`, { hosts: ['zk1', 'b'] }],
    [`host: <%= ENV.fetch('ZK2', 'zk2') %>`, { host: 'zk2' }],
    [`host: <%= ENV.fetch("ZK", "other") %>`, { host: 'zk1' }],
    [`host: <%=ENV['NONE'] || 'green'%>`, { host: 'green' }],
    [`host: <%= ENV['EMPTY'] || 'green' %>x`, { host: 'x' }],
    [`port: <%= ENV['PORT'] %>`, { port: 8080 }],
    [`port: "<%= ENV['PORT'] %>"`, { port: '8080' }],
    [`port: <%= ENV.fetch('NONE', 3000) %>`, { port: 3000 }],
    [`port: <%= ENV['PORT'] -%>`, { port: 8080 }],
    [`host: <%= ENV.fetch('ZK2', 'zk2') -%>`, { host: 'zk2' }],
    [`<%= ENV['TAG'] %>: 1`, { blue: 1 }],
    ['{"host": "<%= ENV["ZK"] %>"}', { host: 'zk1' }],
    [`a: <%# a remark %>b`, { a: 'b' }],
    ['a: <%% b', { a: '<% b' }],
    [`listen: ["log <%= ENV['ZK'] %> $$ \${X}"]`, { listen: ['log zk1 $$ ${X}'] }],
    [`# <%= ENV['NONE'] %>\na: 1`, { a: 1 }],
  ])('%s', (text, value) => {
    expect(read(text)).toEqual(value);
  });

  test('a value cannot write YAML of its own', () => {
    expect(read(`a: <%= ENV['QUOTE'] %>\nb: "<%= ENV['QUOTE'] %>"`)).toEqual({
      a: environment.QUOTE,
      b: environment.QUOTE,
    });
  });

  test('places are those of the file as it was written', () => {
    const source = parseSource('s.yaml', `a: [<%= ENV['ZK'] %>, b]\nc: 1`, variables(true));
    expect(source.locate(['a', 1])).toBe('s.yaml:1:23');
    expect(source.locate(['c'])).toBe('s.yaml:2:1');
  });
});

test('variables may stand without quotes in flow mappings and lists, and with any default', () => {
  expect(read('{a: ${PORT}, b: [${ZK}, ${NONE:-x, y}], ${TAG}: "${NONE:-z}"}')).toEqual({
    a: 8080,
    b: ['zk1', 'x, y'],
    blue: 'z',
  });
  expect(read('{listen: [a ${PORT}, ${ZK}]}')).toEqual({ listen: ['a ${PORT}', '${ZK}'] });
});

describe('what cannot be filled in is an error at its place', () => {
  const advice =
    "write <%= ENV['NAME'] %>, <%= ENV.fetch('NAME', 'default') %> or ${NAME:-default}; no other ERB is run";
  test.each([
    [
      `a: 1\nhost: "<%= ENV['NONE'] %>"`,
      ['s.yaml:2:7: the environment has no NONE; set it, or give a default: ${NONE:-default}'],
    ],
    [
      'a: ${NONE}',
      ['s.yaml:1:4: the environment has no NONE; set it, or give a default: ${NONE:-default}'],
    ],
    [`a: <%= 1 + 1 %>`, [`s.yaml:1:4: cannot read <%= 1 + 1 %>; ${advice}`]],
    [
      `<% if ENV['X'] %>\na: 1\n<% end %>`,
      [
        `s.yaml:1:1: cannot read <% if ENV['X'] %>; ${advice}`,
        `s.yaml:3:1: cannot read <% end %>; ${advice}`,
      ],
    ],
    [`# <% if true %>\na: 1`, [`s.yaml:1:3: cannot read <% if true %>; ${advice}`]],
    ['a: <%= ENV[', [`s.yaml:1:4: cannot read <%; ${advice}`]],
    [`blue: 1\n<%= ENV['TAG'] %>: 2`, ['s.yaml:2:1: the key blue stands here twice']],
  ])('%s', (text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });
});

describe('variables of our own files', () => {
  test.each([
    ['a: ${ZK}:2181', { a: 'zk1:2181' }],
    ['a: ${PORT}', { a: 8080 }],
    ['a: "${PORT}"', { a: '8080' }],
    ['a: ${NONE:-3000}', { a: 3000 }],
    ['a: ${EMPTY:-x}', { a: 'x' }],
    ['a: "${EMPTY}"', { a: '' }],
    ['a: ${NONE:-}b', { a: 'b' }],
    ['a: $$${ZK} costs $5 ^/x$', { a: '$zk1 costs $5 ^/x$' }],
    ['a: $${ZK}', { a: '${ZK}' }],
    ["a: <%= ENV['ZK'] %>", { a: "<%= ENV['ZK'] %>" }],
    ['${TAG}: 1', { blue: 1 }],
    ['listen: ["log ${ZK} $$"]', { listen: ['log ${ZK} $$'] }],
  ])('%s', (text, value) => {
    expect(read(text, false)).toEqual(value);
  });
});

test('a whole number of the environment loses no digit', () => {
  const long = '138803118435323441628150706594964426036';
  const source = parseSource('s.yaml', 'seed: ${SEED}', {
    ...variables(true),
    environment: { SEED: long },
  });
  expect(source.value).toEqual({ seed: long });
});

test.each([
  'a: 1 # <%= port %>\nb: 2\n',
  '# - <%= s %>\na: 1\nb: 2 # <%= `hostname` %>\n',
  '# \u00e4 <%= x %>\na: 1\nb: 2',
])('what ERB would write into a comment is ignored: %j', (text) => {
  expect(read(text)).toEqual({ a: 1, b: 2 });
});

test.each([
  ['# <% if x %>\na: 1\n# <% end %>', 's.yaml:1:3: '],
  ['# <%= x\na: 1 %>', 's.yaml:1:3: '],
  ['a: |\n  # <%= x %>\n', 's.yaml:2:5: '],
  ["a: '# <%= x %>'", 's.yaml:1:7: '],
  ['a: 1 # <%= x %>\nb: <%= y %>', 's.yaml:2:4: '],
])(
  'ERB that is no comment, or decides about the lines behind one, is an error: %j',
  (text, where) => {
    expect(problemsOf(text)[0]).toMatch(new RegExp(`^${where}cannot read <%`));
  },
);
