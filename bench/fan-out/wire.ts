import { once } from 'node:events';
import { connect } from 'node:net';

/** ZooKeeper's protocol, as far as a watcher speaks it; see zookeeper.jute of its sources. */
const types = {
  delete: 2,
  exists: 3,
  getData: 4,
  getChildren2: 12,
  ping: 11,
  addWatch: 106,
} as const;
const pingXid = -2;
const eventXid = -1;
const addWatchXid = -3;
/** Frame length, xid, zxid and error. */
const replyHeader = 4 + 4 + 8 + 4;
const persistentRecursive = 1;

export type EventType = 'created' | 'deleted' | 'changed' | 'children';
const eventTypes: Readonly<Record<number, EventType>> = {
  1: 'created',
  2: 'deleted',
  3: 'changed',
  4: 'children',
};

/** One session over one bare socket, which counts its bytes except for pings. Nothing is retried: an error ends the bench. */
export interface WireSession {
  /** Resolves to the names of a path's children, and leaves a watch there. */
  list(path: string): Promise<readonly string[]>;
  /** Reads a node, and leaves a watch there where asked to; false when there is none. */
  read(path: string, watch: boolean): Promise<boolean>;
  /** Leaves a persistent watch on a path and all below it. */
  watchAll(path: string): Promise<void>;
  ping(): void;
  readonly bytes: { readonly sent: number; readonly received: number };
  close(): void;
}

/** Connects a session; `onEvent` is told of what its watches saw. */
export async function openWireSession(
  port: number,
  onEvent: (type: EventType | undefined, path: string) => void,
): Promise<WireSession> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const bytes = { sent: 0, received: 0 };
  const waiting = new Map<number, (reply: Buffer) => void>();
  let last = 0;
  let rest: Buffer = Buffer.alloc(0);
  let onFrame: (frame: Buffer) => void = () => {};

  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      const frame = rest.subarray(0, end);
      rest = rest.subarray(end);
      if (frame.readInt32BE(4) !== pingXid) bytes.received += frame.length;
      onFrame(frame);
    }
  });

  function write(frame: Buffer) {
    bytes.sent += frame.length;
    socket.write(frame);
  }

  const ping = () => void socket.write(frameOf(header(pingXid, types.ping)));

  function request(type: number, body: Buffer, xid?: number): Promise<Buffer> {
    last += 1;
    const own = xid ?? last;
    write(frameOf(header(own, type), body));
    return new Promise((resolve) => waiting.set(own, resolve));
  }

  await once(socket, 'connect');
  const accepted = new Promise<void>((resolve) => {
    onFrame = () => resolve();
  });
  write(connectRequest());
  await accepted;
  onFrame = (frame) => {
    const xid = frame.readInt32BE(4);
    if (xid === pingXid) return;
    if (xid === eventXid) {
      onEvent(eventTypes[frame.readInt32BE(replyHeader)], textAt(frame, replyHeader + 8));
      return;
    }
    waiting.get(xid)?.(frame);
    waiting.delete(xid);
  };
  return {
    list: async (path) => namesOf(await request(types.getChildren2, pathAndFlag(path, true))),
    read: async (path, watch) =>
      (await request(types.getData, pathAndFlag(path, watch))).readInt32BE(16) === 0,
    watchAll: async (path) => {
      const mode = Buffer.alloc(4);
      mode.writeInt32BE(persistentRecursive);
      const reply = await request(types.addWatch, Buffer.concat([text(path), mode]), addWatchXid);
      if (reply.readInt32BE(16) !== 0) throw new Error(`cannot watch ${path}: refused`);
    },
    ping,
    bytes,
    close: () => socket.destroy(),
  };
}

function connectRequest(): Buffer {
  const body = Buffer.alloc(4 + 8 + 4 + 8 + 4 + 16);
  body.writeInt32BE(120_000, 12);
  body.writeInt32BE(16, 24);
  return frameOf(body);
}

function header(xid: number, type: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeInt32BE(xid);
  buffer.writeInt32BE(type, 4);
  return buffer;
}

function frameOf(...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const frame = Buffer.alloc(4 + content.length);
  frame.writeInt32BE(content.length);
  content.copy(frame, 4);
  return frame;
}

const pathAndFlag = (path: string, flag: boolean) =>
  Buffer.concat([text(path), Buffer.of(flag ? 1 : 0)]);

function text(value: string): Buffer {
  const content = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeInt32BE(content.length);
  return Buffer.concat([length, content]);
}

function textAt(frame: Buffer, at: number): string {
  return frame.toString('utf8', at + 4, at + 4 + frame.readInt32BE(at));
}

function namesOf(frame: Buffer): readonly string[] {
  const names: string[] = [];
  let at = replyHeader + 4;
  for (let left = frame.readInt32BE(replyHeader); left > 0; left -= 1) {
    names.push(textAt(frame, at));
    at += 4 + frame.readInt32BE(at);
  }
  return names;
}
