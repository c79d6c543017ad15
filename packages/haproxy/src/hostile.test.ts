// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables, not JavaScript's
import { decodeInstance, type Instance, isBadRecord } from '@smartstack/registry';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { haproxySchema, haproxyServiceSchema } from './config/config.ts';
import { harmlessKeywords } from './config/keywords.ts';
import { policyFiles } from './policy/files.ts';
import { fileOf } from './render/file.ts';
import { layoutOf, partOf } from './render/layout.ts';
import { serverLine } from './render/server.ts';
import { serversOf } from './render/servers.ts';
import { capabilitiesOf } from './render/version.ts';
import { addServer } from './runtime/command.ts';

const top = haproxySchema.parse({ stats_address: false, use_nerve_weights: true });
const service = haproxyServiceSchema.parse({
  port: 23_213,
  server_options: 'check port %{port} check-sni %{name}',
  backend_order: 'asc',
});
const settings = {
  config: top,
  around: { socket: undefined, stateFile: undefined, maxconn: undefined, account: undefined },
  files: policyFiles('/run/synapse/haproxy.cfg'),
  capabilities: capabilitiesOf('2.6.12'),
  stats: undefined,
};
const serverSettings = { top, service, cookies: false, resolve: (host: string) => host };

/** The lines of the file that these members make, by server; everything else is `rest`. */
function fileWith(members: readonly Instance[]) {
  const { servers } = serversOf(members, serverSettings);
  const lines = new Map(servers.map((one, index) => [one.name, serverLine(one, index + 1)]));
  const layout = layoutOf([partOf('web', service, settings)], settings, new Set());
  const text = fileOf(layout, () => [...lines.values()]).text;
  const rest = text.split('\n').filter((line) => !line.startsWith('\tserver '));
  return { text, rest, lines, servers };
}

const decode = (record: unknown) => decodeInstance('id', Buffer.from(JSON.stringify(record)));
const good: Instance = { host: '10.9.9.9', port: 1, name: 'good' };

/** What a server line may be made of: no quote, comment, variable, escape or control character. */
const safeLine =
  /^server [A-Za-z0-9_.:-]+ [A-Za-z0-9_.:[\]-]+ id \d+( [A-Za-z0-9_.:,/@+=()*[\]-]+)*$/;

describe('members from the registry', () => {
  test.each([
    ['newline in the name', { name: 'a\nlisten evil' }],
    ['quote in the name', { name: 'a"b' }],
    ['comment in the name', { name: '#' }],
    ['space in the name', { name: 'a b' }],
    ['semicolon in the name', { name: 'a;b' }],
    ['NUL in the name', { name: 'a\0b' }],
    ['64 KB name', { name: 'a'.repeat(65_536) }],
    ['1 KB name', { name: 'a'.repeat(1024) }],
    ['unicode name', { name: 'zürich-✓' }],
    ['environment in the name', { name: '${HOME}' }],
    ['escape in the name', { name: '\\x0alisten' }],
    ['slash and at in the name', { name: '../../web@x' }],
    ['only bad characters in the name', { name: '%$&' }],
    ['newline in the host', { host: '10.0.0.1\nlisten evil' }],
    ['words in the host', { host: '10.0.0.1 weight 0' }],
    ['socket as the host', { host: 'unix@/run/x' }],
    ['variable as the host', { host: '${HOME}' }],
    ['words in the port', { port: '80; rm' }],
    ['huge port', { port: 99_999 }],
    ['negative weight', { weight: -1 }],
    ['text as the weight', { weight: '5 backup' }],
    ['huge weight', { weight: 1e15 }],
    ['newline in the options', { haproxy_server_options: 'backup\nlisten evil\n bind :1' }],
    ['carriage return in the options', { haproxy_server_options: 'backup\rlisten evil' }],
    ['quote in the options', { haproxy_server_options: 'weight "5' }],
    ['comment in the options', { haproxy_server_options: 'backup # rest' }],
    ['environment in the options', { haproxy_server_options: 'cookie ${SECRET}' }],
    ['escape in the options', { haproxy_server_options: 'backup\\' }],
    [
      'another address in the options',
      { haproxy_server_options: 'addr 169.254.169.254 source 1.2.3.4' },
    ],
    ['no verification in the options', { haproxy_server_options: 'ssl verify none' }],
    ['percent in the options', { haproxy_server_options: '50% %{nokey}' }],
    [
      'a template that makes a word',
      { name: 'backup weight 0', haproxy_server_options: '%{name}' },
    ],
    ['a template in a value', { haproxy_server_options: 'weight %{port} observe %{host}' }],
    ['64 KB options', { haproxy_server_options: 'backup '.repeat(9000) }],
    ['newline in a label', { labels: { a: 'b\nlisten evil' } }],
  ])(
    '%s: changes no line but the own server’s, which HAProxy can only read as that',
    (_, change) => {
      const record = decode({ host: '10.0.0.1', port: 80, name: 'x', ...change });
      const alone = fileWith([good]);
      const both = fileWith(isBadRecord(record) ? [good] : [good, record]);
      expect(both.rest).toEqual(alone.rest);
      expect(both.lines.get('good_10.9.9.9:1')?.replace(/ id \d+/, '')).toBe(
        alone.lines.get('good_10.9.9.9:1')?.replace(/ id \d+/, ''),
      );
      for (const line of both.lines.values()) expect(line).toMatch(safeLine);
    },
  );

  test('of any content change no line but the own server’s, in the file and at runtime', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), (records) => {
        const members = records.flatMap((one) => {
          const decoded = decode(one);
          return isBadRecord(decoded) ? [] : [decoded];
        });
        const alone = fileWith([good]);
        const all = fileWith([good, ...members]);
        expect(all.rest).toEqual(alone.rest);
        expect(all.servers.length).toBe(all.lines.size);
        for (const line of all.lines.values()) expect(line).toMatch(safeLine);
        for (const server of all.servers) {
          const { commands } = addServer('web', server, { id: 5, defaults: [] });
          for (const command of commands) expect(command).not.toMatch(/[\n\r;#"'\\$]/);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('two members whose names would be equal are two servers, whatever their order', () => {
    const twins: Instance[] = [
      { name: 'a_b', host: 'c', port: 80 },
      { name: 'a', host: 'b_c', port: 80 },
    ];
    const names = serversOf(twins, serverSettings).servers.map(({ name }) => name);
    expect(new Set(names).size).toBe(2);
    const reversed = serversOf(twins.toReversed(), serverSettings).servers;
    expect(reversed.map(({ name }) => name).sort()).toEqual(names.sort());
  });
});

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    'a b',
    'x\ny',
    '${HOME}',
    '"',
    '#',
    ';',
    '\\',
    '\0',
    'a'.repeat(5000),
    '::1',
    'web.local',
  ),
);
const options = fc
  .array(fc.oneof(text, fc.constantFrom(...harmlessKeywords, 'ssl', 'cookie', 'id', '5', '1s')), {
    maxLength: 8,
  })
  .map((words) => words.join(' '));
const record = fc.record(
  {
    host: fc.oneof(text, fc.ipV4(), fc.ipV6(), fc.domain()),
    port: fc.oneof(fc.integer(), fc.integer({ min: 1, max: 65_535 }), text),
    name: fc.oneof(text, fc.integer()),
    weight: fc.oneof(fc.integer(), fc.integer({ min: 0, max: 500 }), text),
    labels: fc.dictionary(text, text),
    haproxy_server_options: options,
  },
  { requiredKeys: ['host', 'port'] },
);
