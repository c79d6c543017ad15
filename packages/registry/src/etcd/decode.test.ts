import { expect, test } from 'vitest';

import { jsonDecoder, nerveOrAddress } from './decode.ts';

const bytes = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

test.each([
  ['nerve’s record', { host: 'h', port: 1, name: 'n' }, { host: 'h', port: 1, name: 'n', id: 'k' }],
  ['an address', '10.0.0.1:80\n', { host: '10.0.0.1', port: 80, name: 'k', id: 'k' }],
  ['an IPv6 address', '[::1]:80', { host: '::1', port: 80, name: 'k', id: 'k' }],
  ['a word', 'hello', { id: 'k', reason: 'neither JSON nor host:port' }],
  ['nothing', '', { id: 'k', reason: 'empty' }],
  ['half of it', '{"host": "h", "po', { id: 'k', reason: 'not JSON' }],
  ['a port that is none', 'h:99999', { id: 'k', reason: 'bad port' }],
])('a record is read: %s', (_, record, expected) => {
  expect(nerveOrAddress('k', bytes(record))).toEqual(expected);
});

test.each([
  [
    'gRPC’s naming',
    { address: 'Addr', labels: 'Metadata', weight: 'Metadata.weight' },
    { Op: 0, Addr: '10.0.0.1:80', Metadata: { zone: 'a', weight: 3 } },
    {
      host: '10.0.0.1',
      port: 80,
      name: 'k',
      weight: 3,
      labels: { zone: 'a', weight: '3' },
      id: 'k',
    },
  ],
  [
    'host and port apart, below others',
    { host: 'node.ip', port: 'ports.http', name: 'id' },
    { id: 'web-1', node: { ip: '10.0.0.1' }, ports: { http: '80' } },
    { host: '10.0.0.1', port: 80, name: 'web-1', id: 'k' },
  ],
  ['no address', { address: 'Addr' }, {}, { id: 'k', reason: 'no Addr' }],
  ['no mapping', { host: 'a.b' }, [1], { id: 'k', reason: 'no host' }],
  ['no JSON', {}, 'x', { id: 'k', reason: 'not JSON' }],
])('JSON is read by other keys: %s', (_, keys, record, expected) => {
  expect(jsonDecoder(keys)('k', bytes(record))).toEqual(expected);
});

test.each([
  ['labels', { labels: 'Metadata' }],
  ['an address', { address: 'Addr' }],
  ['a host', { host: 'Metadata' }],
])('JSON that nests too deeply is a bad record: %s', (_, keys) => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const record = Buffer.from(`{"host":"a","port":1,"Metadata":${deep}}`);
  expect(jsonDecoder(keys)('k', record)).toMatchObject({ id: 'k', reason: expect.any(String) });
});
