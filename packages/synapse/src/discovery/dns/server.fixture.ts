import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export type TestRecord =
  | { readonly type: 'A'; readonly address: string; readonly ttl: number }
  | { readonly type: 'AAAA'; readonly address: string; readonly ttl: number }
  | {
      readonly type: 'SRV';
      readonly target: string;
      readonly port: number;
      readonly priority: number;
      readonly weight: number;
      readonly ttl?: number;
    };

/** A DNS server on the loopback for one test. Names in lower case; `refuse` answers SERVFAIL. */
export interface TestDns extends AsyncDisposable {
  readonly address: string;
  records: Readonly<Record<string, readonly TestRecord[]>>;
  refuse: boolean;
  /** Answers in its stead until it is undefined again; with undefined it does not answer. */
  instead: ((query: Buffer) => Buffer | undefined) | undefined;
  readonly asked: string[];
}

const numbers: Readonly<Record<TestRecord['type'], number>> = { A: 1, AAAA: 28, SRV: 33 };

export async function startDns(records: TestDns['records']): Promise<TestDns> {
  const socket = createSocket('udp4');
  const dns: TestDns = {
    address: '',
    records,
    refuse: false,
    instead: undefined,
    asked: [],
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
  socket.on('message', (query, { address, port }) => {
    const usual = answer(query, dns);
    const sent = dns.instead ? dns.instead(query) : usual;
    if (sent) socket.send(sent, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return Object.assign(dns, { address: `127.0.0.1:${socket.address().port}` });
}

/** RFC 1035, section 4: header, the question again, and one answer after the other. */
function answer(query: Buffer, dns: TestDns): Buffer {
  const end = query.indexOf(0, 12) + 5;
  const labels: string[] = [];
  for (let at = 12; query[at]; at += (query[at] ?? 0) + 1)
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)));
  const name = labels.join('.').toLowerCase();
  const type = query.readUInt16BE(end - 4);
  dns.asked.push(name);
  const known = dns.records[name];
  const found = (known ?? []).filter((record) => numbers[record.type] === type);
  const header = Buffer.from(query.subarray(0, 12));
  const code = dns.refuse ? 2 : known ? 0 : 3;
  header.writeUInt16BE(0x8180 | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(dns.refuse ? 0 : found.length, 6);
  header.writeUInt32BE(0, 8);
  const answers = dns.refuse ? [] : found.map(encode);
  return Buffer.concat([header, query.subarray(12, end), ...answers]);
}

function encode(record: TestRecord): Buffer {
  const data = dataOf(record);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(numbers[record.type], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(record.ttl ?? 60, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function dataOf(record: TestRecord): Buffer {
  switch (record.type) {
    case 'A':
      return Buffer.from(record.address.split('.').map(Number));
    case 'AAAA':
      return Buffer.from(
        record.address.split(':').flatMap((part) => {
          const value = Number.parseInt(part, 16);
          return [value >> 8, value & 255];
        }),
      );
    case 'SRV': {
      const head = Buffer.alloc(6);
      head.writeUInt16BE(record.priority, 0);
      head.writeUInt16BE(record.weight, 2);
      head.writeUInt16BE(record.port, 4);
      const labels = record.target
        .split('.')
        .map((label) => `${String.fromCharCode(label.length)}${label}`);
      return Buffer.concat([head, Buffer.from(`${labels.join('')}\0`, 'latin1')]);
    }
  }
}
