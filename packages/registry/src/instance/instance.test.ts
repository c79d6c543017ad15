import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  decodeInstance,
  encodeInstance,
  type Instance,
  isHost,
  keyOf,
  oddFieldsOf,
} from './instance.ts';

const decode = (text: string | Buffer) => decodeInstance('n_0000000001', Buffer.from(text));
const id = 'n_0000000001';

test('an instance is written as nerve writes it', () => {
  const instance = {
    host: '10.0.0.1',
    port: 80,
    name: 'vm-1',
    weight: 2,
    labels: { zone: 'a' },
    haproxyServerOptions: 'backup',
  };
  expect(encodeInstance(instance).toString()).toBe(
    '{"host":"10.0.0.1","port":80,"name":"vm-1","weight":2,"haproxy_server_options":"backup","labels":{"zone":"a"}}',
  );
  expect(encodeInstance({ host: 'a', port: 1 }).toString()).toBe('{"host":"a","port":1}');
  expect(decode(encodeInstance(instance))).toEqual({ ...instance, id });
});

describe('records that nerve and others wrote are accepted', () => {
  test.each([
    ['no name', '{"host":"a","port":1}', { host: 'a', port: 1, id }],
    ['an empty name', '{"host":"a","port":1,"name":""}', { host: 'a', port: 1, id }],
    [
      'a name that is a number',
      '{"host":"a","port":1,"name":123}',
      { host: 'a', port: 1, name: '123', id },
    ],
    ['a port in text', '{"host":"a","port":"8080"}', { host: 'a', port: 8080, id }],
    ['nulls', '{"host":"a","port":1,"weight":null,"labels":null}', { host: 'a', port: 1, id }],
    ['keys of other tools', '{"host":"a","port":1,"future":{"x":1}}', { host: 'a', port: 1, id }],
    [
      'labels that are no text',
      '{"host":"a","port":1,"labels":{"n":1,"b":true}}',
      { host: 'a', port: 1, labels: { n: '1', b: 'true' }, id },
    ],
    [
      'an id of the HAProxy server',
      '{"host":"a","port":1,"haproxy_server_id":77}',
      { host: 'a', port: 1, haproxyServerId: 77, id },
    ],
    [
      'one as text',
      '{"host":"a","port":1,"haproxy_server_id":"77"}',
      { host: 'a', port: 1, haproxyServerId: 77, id },
    ],
    ['an IPv6 address', '{"host":"::1","port":1}', { host: '::1', port: 1, id }],
  ])('%s', (_, text, expected) => {
    expect(decode(text)).toEqual(expected);
  });
});

test.each(['0', '-1', '1.5', '2147483648', '"a"', '[]'])(
  'a haproxy_server_id of %s is left out, and the member serves',
  (bad) => {
    expect(decode(`{"host":"a","port":1,"haproxy_server_id":${bad}}`)).toEqual({
      host: 'a',
      port: 1,
      id,
    });
  },
);

describe('host and port make a member, however odd its other fields are', () => {
  test.each<[string, object, readonly string[]]>([
    ['"weight":"1"', { weight: 1 }, ['weight read as 1']],
    ['"weight":1.5', { weight: 2 }, ['weight read as 2']],
    ['"weight":0.2', { weight: 1 }, ['weight read as 1']],
    ['"weight":"0"', { weight: 0 }, ['weight read as 0']],
    ...['-1', '"high"', 'true', '[1]', '1e300', '""'].map((written): [string, object, string[]] => [
      `"weight":${written}`,
      {},
      ['weight ignored'],
    ]),
    ['"labels":{"zone":null,"a":"b"}', { labels: { a: 'b' } }, ['label zone ignored']],
    ['"labels":{"x":[1],"y":{},"a":1}', { labels: { a: '1' } }, ['labels x, y ignored']],
    ['"labels":[]', {}, ['labels ignored']],
    ['"labels":"az"', {}, ['labels ignored']],
    ['"haproxy_server_options":[]', {}, ['haproxy_server_options ignored']],
    ['"name":"web 6"', { name: 'web_6' }, ['name read as web_6']],
    ['"name":"w\u00e9b\\n"', { name: 'w_b_' }, ['name read as w_b_']],
    ['"name":{}', {}, ['name ignored']],
    [`"name":"${'x'.repeat(1025)}"`, {}, ['name ignored']],
  ])('%s', (fields, expected, odd) => {
    const decoded = decode(`{"host":"10.0.0.1","port":80,${fields}}`);
    expect(decoded).toEqual({ host: '10.0.0.1', port: 80, id, ...expected });
    expect(oddFieldsOf(decoded as Instance)).toEqual(odd);
  });

  test.each([
    ['[2001:db8::8]', '2001:db8::8'],
    ['web.example.com.', 'web.example.com'],
  ])('the host %s is %s', (written, host) => {
    const decoded = decode(JSON.stringify({ host: written, port: 80 }));
    expect(decoded).toEqual({ host, port: 80, id });
    expect(oddFieldsOf(decoded as Instance)).toEqual([]);
  });

  test('labels may have any name', () => {
    const names = Object.getOwnPropertyNames(Object.prototype);
    const labels = `{${names.map((name) => `"${name}":"x"`).join()}}`;
    const decoded = decode(`{"host":"a","port":1,"labels":${labels}}`) as Instance;
    expect(Object.entries(decoded.labels ?? {})).toEqual(names.map((name) => [name, 'x']));
  });

  test('any JSON beside them leaves the member', () => {
    const keys = ['name', 'weight', 'labels', 'haproxy_server_options'] as const;
    const fields = fc.record(Object.fromEntries(keys.map((key) => [key, fc.jsonValue()])), {
      requiredKeys: [],
    });
    fc.assert(
      fc.property(fields, (more) => {
        const decoded = decode(JSON.stringify({ ...more, host: 'a', port: 1 })) as Instance;
        expect(decoded).toMatchObject({ host: 'a', port: 1, id });
        expect(decode(encodeInstance(decoded))).toEqual(decoded);
      }),
    );
  });
});

describe('what is no instance is refused with the reason', () => {
  test.each([
    ['', 'empty'],
    ['{', 'not JSON'],
    ['[]', 'not a JSON object'],
    ['5', 'not a JSON object'],
    ['null', 'not a JSON object'],
    ['{"port":1}', 'no host'],
    ['{"host":"a"}', 'no port'],
    ['{"host":"a","port":"80; rm"}', 'bad port'],
    ['{"host":"a","port":0}', 'bad port'],
    ['{"host":"a","port":65536}', 'bad port'],
    ['{"host":"a","port":1.5}', 'bad port'],
    ['{"host":"a b","port":1}', 'bad host'],
    ['{"host":"a..","port":1}', 'bad host'],
    ['{"host":"[10.0.0.1]","port":1}', 'bad host'],
    ['{"host":"10.0.0.1.","port":1}', 'bad host'],
    ['{"host":"a\\nlisten evil","port":1}', 'bad host'],
    ['{"host":"","port":1}', 'bad host'],
  ])('%s is %s', (text, reason) => {
    expect(decode(text)).toEqual({ id, reason });
  });

  test('more than 64 KiB', () => {
    const record = `{"host":"a","port":1,"name":"${'x'.repeat(65_536)}"}`;
    expect(decode(record)).toEqual({ id, reason: 'longer than 65536 bytes (65567)' });
  });

  test('bytes that are no UTF-8', () => {
    expect(decode(Buffer.from('{"host":"\xe9","port":1}', 'latin1'))).toEqual({
      id,
      reason: 'not JSON',
    });
  });
});

test.each([
  ['localhost', true],
  ['web-1.example.com', true],
  ['under_score.example', true],
  ['10.0.0.1', true],
  ['fe80::1', true],
  ['fe80::1%eth0', false],
  ['-web', false],
  ['a..b', false],
  ['a:80', false],
  ['$HOST', false],
  [`${'a'.repeat(64)}.example`, false],
])('%s is a host: %s', (text, expected) => {
  expect(isHost(text)).toBe(expected);
});

test('an instance is itself by name, host and port', () => {
  const one = keyOf({ host: 'c', port: 1, name: 'a_b' });
  expect(keyOf({ host: 'c', port: 1, name: 'a_b', weight: 2 })).toBe(one);
  expect(keyOf({ host: 'b_c', port: 1, name: 'a' })).not.toBe(one);
  expect(keyOf({ host: 'c', port: 1 })).not.toBe(one);
  expect(keyOf({ host: 'c', port: 1, name: '' })).toBe(keyOf({ host: 'c', port: 1 }));
});
