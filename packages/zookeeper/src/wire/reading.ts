import type { Stat } from '../contract.ts';

/** The kinds of reads, by ZooKeeper's own numbers. */
export const readType = { exists: 3, getData: 4, sync: 9, getChildren2: 12 } as const;

/** Length, xid, zxid and error code go before what a reply holds. */
const contentAt = 20;
const statLength = 68;

/**
 * One read on its way through the library's queue, written and its reply read without the library's
 * generic records: those take longer than everything else that is done for a node, and thousands of
 * nodes are read at a start. The layouts are those of ZooKeeper's zookeeper.jute.
 */
export class Reading {
  /** The library numbers it when it is sent. */
  readonly header: { readonly type: number; xid: number };
  /** What the reply holds is taken from the reply itself, and only where its code is 0. */
  readonly answer: (code: number, reply?: Buffer) => void;
  readonly #path: string;
  readonly #watch: boolean;

  constructor(type: number, path: string, watch: boolean, answer: Reading['answer']) {
    this.header = { type, xid: 0 };
    this.answer = answer;
    this.#path = path;
    this.#watch = watch;
  }

  toBuffer(): Buffer {
    const length = Buffer.byteLength(this.#path);
    const frame = Buffer.allocUnsafe(17 + length);
    frame.writeInt32BE(13 + length, 0);
    frame.writeInt32BE(this.header.xid, 4);
    frame.writeInt32BE(this.header.type, 8);
    frame.writeInt32BE(length, 12);
    frame.write(this.#path, 16);
    frame.writeUInt8(this.#watch ? 1 : 0, 16 + length);
    return frame;
  }
}

/** The stat of `exists`. These three throw where a reply is shorter than what it says to hold. */
export function statOf(reply: Buffer, at = contentAt): Stat {
  if (reply.length < at + statLength) throw new Error('a reply ends within its stat');
  return {
    czxid: reply.readBigInt64BE(at),
    mzxid: reply.readBigInt64BE(at + 8),
    version: reply.readInt32BE(at + 32),
    childrenVersion: reply.readInt32BE(at + 36),
    ephemeralOwner: reply.readBigInt64BE(at + 44),
    dataLength: reply.readInt32BE(at + 52),
    childrenCount: reply.readInt32BE(at + 56),
  };
}

/** What `getData` found; a node without data has an empty buffer. */
export function dataOf(reply: Buffer): { readonly data: Buffer; readonly stat: Stat } {
  const { from, to } = spanAt(reply, contentAt);
  // A copy: a slice would keep the whole chunk in memory.
  return { data: Buffer.from(reply.subarray(from, to)), stat: statOf(reply, to) };
}

/** What `getChildren2` found. */
export function namesOf(reply: Buffer): {
  readonly names: readonly string[];
  readonly stat: Stat;
} {
  const names: string[] = [];
  let at = contentAt + 4;
  for (let left = reply.readInt32BE(contentAt); left > 0; left -= 1) {
    const { from, to } = spanAt(reply, at);
    names.push(reply.toString('utf8', from, to));
    at = to;
  }
  return { names, stat: statOf(reply, at) };
}

/** Where a buffer or a string lies: its length stands before it, -1 for none. */
function spanAt(reply: Buffer, at: number): { readonly from: number; readonly to: number } {
  const length = reply.readInt32BE(at);
  const from = at + 4;
  if (length < -1 || from + length > reply.length)
    throw new Error(`a reply says to hold ${length} bytes and has ${reply.length - from}`);
  return { from, to: from + Math.max(0, length) };
}
