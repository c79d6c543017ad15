import { createRequire } from 'node:module';

import { describe, expect, test } from 'vitest';

import { dataOf, namesOf, Reading, readType, statOf } from './reading.ts';

/** The library's own records are the other opinion about what goes over the wire. */
interface Records {
  readonly Request: new (header: object, payload: object) => { toBuffer(): Buffer };
  readonly protocol: Readonly<Record<string, new (...values: unknown[]) => Reply>>;
  readonly data: { readonly Stat: new (...values: unknown[]) => object };
}

interface Reply {
  byteLength(): number;
  serialize(buffer: Buffer, offset: number): number;
}

const jute: Records = createRequire(import.meta.url)('node-zookeeper-client/lib/jute/index.js');

const long = (value: bigint) => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(value);
  return buffer;
};

const stat = new jute.data.Stat(
  ...[long(11n), long(-12n), long(13n), long(14n), 15, -16, 17, long(2n ** 63n - 1n), 18, 19],
  long(20n),
);
const known = {
  czxid: 11n,
  mzxid: -12n,
  version: 15,
  childrenVersion: -16,
  ephemeralOwner: 2n ** 63n - 1n,
  dataLength: 18,
  childrenCount: 19,
};

/** A whole reply as it comes over the wire: length, xid, zxid, error code, content. */
function reply(name: string, ...values: unknown[]): Buffer {
  const record = new (jute.protocol[name] ?? Object)(...values) as Reply;
  const frame = Buffer.alloc(20 + record.byteLength());
  frame.writeInt32BE(frame.length - 4, 0);
  record.serialize(frame, 20);
  return frame;
}

describe.each([
  ['GetDataRequest', readType.getData],
  ['ExistsRequest', readType.exists],
  ['GetChildren2Request', readType.getChildren2],
])('%s', (name, type) => {
  test.each([
    ['/', false],
    ['/a/b_0000000001', true],
    ['/größe/日本', true],
  ])('of %s with watch %s is written as the library writes it', (path, watch) => {
    const { RequestHeader, [name]: Payload } = jute.protocol;
    if (!RequestHeader || !Payload) throw new Error(`the library has no ${name}`);
    const theirs = new jute.Request(new RequestHeader(77, type), new Payload(path, watch));
    const ours = new Reading(type, path, watch, () => {});
    ours.header.xid = 77;
    expect(ours.toBuffer()).toEqual(theirs.toBuffer());
  });
});

test('a stat is read', () => {
  expect(statOf(reply('ExistsResponse', stat))).toEqual(known);
});

test.each([
  ['text', Buffer.from('größe')],
  ['nothing', Buffer.alloc(0)],
  ['no data at all', undefined],
])('data is read: %s', (_, data) => {
  const found = dataOf(reply('GetDataResponse', data, stat));
  expect(found).toEqual({ data: data ?? Buffer.alloc(0), stat: known });
});

test('data does not keep the bytes that came with it', () => {
  const frame = reply('GetDataResponse', Buffer.from('some'), stat);
  const { data } = dataOf(frame);
  frame.fill(0);
  expect(data.toString()).toBe('some');
});

test.each([[['a_0000000001', 'größe', '']], [[]]])('names are read: %s', (names) => {
  expect(namesOf(reply('GetChildren2Response', names, stat))).toEqual({ names, stat: known });
});

describe('a reply that ends early, or says to hold what it does not', () => {
  const data = reply('GetDataResponse', Buffer.from('some'), stat);
  const names = reply('GetChildren2Response', ['a', 'b'], stat);

  test.each([20, 23, 25, 28, 40, data.length - 1])('throws: data of %d bytes', (length) => {
    expect(() => dataOf(data.subarray(0, length))).toThrow();
  });

  test.each([20, 23, 26, 29, 40, names.length - 1])('throws: names of %d bytes', (length) => {
    expect(() => namesOf(names.subarray(0, length))).toThrow();
  });

  test.each([-2, -(2 ** 31), 2 ** 31 - 1])('throws: a length of %d', (length) => {
    const other = Buffer.from(data);
    other.writeInt32BE(length, 20);
    expect(() => dataOf(other)).toThrow(/says to hold/);
  });

  test('throws: a count of names beyond what is there', () => {
    const other = Buffer.from(names);
    other.writeInt32BE(2 ** 31 - 1, 20);
    expect(() => namesOf(other)).toThrow();
  });
});
