import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

import { createFrameReader, framed } from './wire/frames.ts';
import { decode, encode } from './wire/protobuf.ts';

/** The part of etcd's v3 API that following needs, in memory, which can be made to lie. */
export interface FakeEtcd extends AsyncDisposable {
  readonly endpoint: string;
  revision: number;
  term: number;
  /** Writes a key, and tells of it. */
  put(key: string, value: string | Buffer): void;
  remove(key: string): void;
  /** Answers a list in place of the truth while it is set. */
  listing: ((stream: ServerHttp2Stream) => void) | undefined;
  /** Sends a message to every watch stream. */
  say(message: Buffer): void;
  /** Nobody may read or watch keys that begin so, while it is set. */
  denied: string | undefined;
  /** A list of more keys is answered with more than is read. */
  mostListed: number;
  /** Who watches from an earlier revision than this is answered with more than is read. */
  flood: number;
  /** Ends every connection. */
  cut(): void;
  /** How many connections came. */
  readonly connections: number;
  /** How often a list of more than one key was asked for. */
  readonly lists: number;
  /** How many watches were asked for. */
  readonly watches: number;
  /** A message of the stream with these events, for its first watch. */
  events(...events: readonly Buffer[]): Buffer;
  event(key: string, value: string | Buffer, revision: number): Buffer;
  header(): Buffer;
}

interface Stored {
  readonly value: string | Buffer;
  readonly created: number;
  readonly modified: number;
}

const grpc = { ':status': 200, 'content-type': 'application/grpc' };

/** A range that is watched on a stream; its id is its place there. */
type Ranges = (readonly [from: string, end: string])[];

/** The beginning of a message that is longer than any that is read. */
const endless = Buffer.from([0, 255, 255, 255, 255]);
const permission = 'etcdserver: permission denied';

/** Answers with one message, or none, and success. */
export function answer(stream: ServerHttp2Stream, ...messages: readonly Buffer[]): void {
  stream.respond(grpc, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.concat(messages.map(framed)));
}

export async function startFakeEtcd(): Promise<FakeEtcd> {
  const keys = new Map<string, Stored>();
  const sessions = new Set<ServerHttp2Session>();
  const streams = new Map<ServerHttp2Stream, Ranges>();
  const server = createServer();
  let lists = 0;
  let watches = 0;
  let connections = 0;

  const keyValue = (key: string, { value, created, modified }: Stored) =>
    encode({ 1: key, 2: created, 3: modified, 4: 1, 5: value });

  function range(stream: ServerHttp2Stream, request: Buffer): void {
    const asked = decode(request);
    const [from, end] = [asked.bytes(1).toString(), asked.bytes(2).toString()];
    const isList = end !== '';
    if (isList) lists += 1;
    if (isDenied(from)) {
      const status = { 'grpc-status': '7', 'grpc-message': permission };
      stream.respond({ ...grpc, ...status }, { endStream: true });
      return;
    }
    if (isList && fake.listing) {
      fake.listing(stream);
      return;
    }
    const found = [...keys]
      .filter(([key]) => (isList ? key >= from && key < end : key === from))
      .sort(([one], [other]) => (one < other ? -1 : 1));
    const limit = asked.number(3) || found.length;
    if (Math.min(limit, found.length) > fake.mostListed) {
      stream.respond(grpc);
      stream.write(endless);
      return;
    }
    const kvs = found.slice(0, limit).map(([key, stored]) => keyValue(key, stored));
    const more = kvs.length < found.length;
    answer(stream, encode({ 1: fake.header(), 2: kvs, 3: more, 4: found.length }));
  }

  const isDenied = (key: string) => fake.denied !== undefined && key.startsWith(fake.denied);

  /** Tells those who watch a key. */
  function tell(key: string, event: Buffer): void {
    for (const [stream, ranges] of streams)
      for (const [id, [from, end]] of ranges.entries())
        if (key >= from && key < end)
          stream.write(framed(encode({ 1: fake.header(), 2: id, 11: [event] })));
  }

  function watch(stream: ServerHttp2Stream): void {
    stream.respond(grpc);
    const ranges: Ranges = [];
    streams.set(stream, ranges);
    const frames = createFrameReader();
    stream.on('data', (chunk: Buffer) => {
      for (const message of frames.read(chunk)) {
        const create = decode(message).bytes(1);
        if (create.length === 0) continue;
        watches += 1;
        const asked = decode(create);
        const [from, end] = [asked.bytes(1).toString(), asked.bytes(2).toString()];
        const created = { 1: fake.header(), 3: true };
        if (isDenied(from)) {
          stream.write(framed(encode({ ...created, 2: -1n, 4: true, 6: permission })));
          continue;
        }
        stream.write(framed(encode({ ...created, 2: ranges.push([from, end]) - 1 })));
        if (asked.number(3) < fake.flood) stream.write(endless);
      }
    });
  }

  server.on('session', (session) => {
    sessions.add(session);
    connections += 1;
    session.on('close', () => sessions.delete(session));
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    stream.on('close', () => streams.delete(stream));
    if (headers[':path'] === '/etcdserverpb.Watch/Watch') {
      watch(stream);
      return;
    }
    const frames = createFrameReader();
    stream.on('data', (chunk: Buffer) => {
      for (const message of frames.read(chunk)) range(stream, message);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const fake: FakeEtcd = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    revision: 1,
    term: 2,
    listing: undefined,
    denied: undefined,
    flood: 0,
    mostListed: Number.POSITIVE_INFINITY,
    header: () => encode({ 1: 77n, 2: 1n, 3: fake.revision, 4: fake.term }),
    event: (key, value, revision) =>
      encode({ 2: keyValue(key, { value, created: revision, modified: revision }) }),
    events: (...events) => encode({ 1: fake.header(), 11: events }),
    put(key, value) {
      fake.revision += 1;
      keys.set(key, { value, created: fake.revision, modified: fake.revision });
      tell(key, fake.event(key, value, fake.revision));
    },
    remove(key) {
      fake.revision += 1;
      keys.delete(key);
      tell(key, encode({ 1: 1, 2: encode({ 1: key, 3: fake.revision }) }));
    },
    say: (message) => {
      for (const stream of streams.keys()) stream.write(framed(message));
    },
    cut: () => {
      for (const session of sessions) session.destroy();
    },
    get lists() {
      return lists;
    },
    get watches() {
      return watches;
    },
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => {
      fake.cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return fake;
}
