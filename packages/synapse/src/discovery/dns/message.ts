export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** What a server answered to a question for SRV records (RFC 1035, RFC 2782). */
export interface SrvAnswer {
  /** 0: answered; 3: there is no such name; others are failures. */
  readonly code: number;
  /** Whether the answer is only a part, which TCP has whole. */
  readonly isTruncated: boolean;
  /** `ttl` in milliseconds. */
  readonly records: readonly (SrvRecord & { readonly ttl: number })[];
}

const types = { srv: 33, opt: 41 } as const;
const internet = 1;
/** What one datagram may hold, said with EDNS (RFC 6891): what passes every network unfragmented. */
const datagram = 1232;

/** A question for the SRV records of a name; recursion is desired. */
export function encodeQuery(id: number, name: string): Buffer {
  const header = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
  const labels = name
    .replace(/\.$/, '')
    .split('.')
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
  const question = Buffer.from([0, 0, types.srv, 0, internet]);
  const options = Buffer.from([0, 0, types.opt, datagram >> 8, datagram & 255, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, ...labels, question, options]);
}

/** The answer in a message; undefined where it answers another question. Throws where it is malformed. */
export function decodeAnswer(id: number, message: Buffer): SrvAnswer | undefined {
  if (message.length < 12 || message.readUInt16BE(0) !== id) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) === 0) return undefined;
  let at = 12;
  for (let left = message.readUInt16BE(4); left > 0; left -= 1) at = nameAt(message, at).end + 4;
  const records: (SrvRecord & { readonly ttl: number })[] = [];
  for (let left = message.readUInt16BE(6); left > 0; left -= 1) {
    const { end } = nameAt(message, at);
    const length = message.readUInt16BE(end + 8);
    if (message.readUInt16BE(end) === types.srv)
      records.push({ ...srvAt(message, end + 10), ttl: message.readUInt32BE(end + 4) * 1000 });
    at = end + 10 + length;
  }
  return { code: flags & 15, isTruncated: (flags & 0x200) !== 0, records };
}

function srvAt(message: Buffer, at: number): SrvRecord {
  return {
    priority: message.readUInt16BE(at),
    weight: message.readUInt16BE(at + 2),
    port: message.readUInt16BE(at + 4),
    name: nameAt(message, at + 6).name,
  };
}

/** A name and where it ends; pointers lead backwards only, so that a message cannot lead in circles. */
function nameAt(message: Buffer, start: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = start;
  let bound = start;
  let end: number | undefined;
  for (;;) {
    const length = message.readUInt8(at);
    if (length >= 0xc0) {
      end ??= at + 2;
      at = message.readUInt16BE(at) & 0x3fff;
      if (at >= bound) throw new Error('a name leads in circles');
      bound = at;
    } else if (length === 0) {
      return { name: labels.join('.'), end: end ?? at + 1 };
    } else {
      if (labels.length > 127) throw new Error('a name is too long');
      labels.push(message.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
  }
}
