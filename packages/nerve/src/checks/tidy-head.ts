import { connect as connectPlain, type NetConnectOpts, type Socket } from 'node:net';
import { Duplex, Transform } from 'node:stream';
import { type ConnectionOptions, connect as connectSecure } from 'node:tls';

/** Errors of answers that Node.js' parser refuses in any mode, and that `tidyHead` corrects. */
const tidied: ReadonlySet<string> = new Set([
  'HPE_INVALID_HEADER_TOKEN',
  'HPE_UNEXPECTED_CONTENT_LENGTH',
]);

/** Whether an answer that was refused for this reason may be accepted once its head is tidied. */
export function mayBeTidied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && tidied.has(String(error.code));
}

/** Longer heads are passed on as they are. */
const longest = 65_536;

/**
 * The head of an answer as strict parsers accept it: no space before a header's colon, and a Content-Length
 * that is repeated with the same number given once.
 */
export function tidyHead(head: string): string {
  const seen = new Set<string>();
  const lines = head.split('\n').map((line) => line.replace(/^([!-9;-~]+)[ \t]+:/, '$1:'));
  return lines
    .filter((line) => {
      const [, length] = /^content-length:\s*(\d+)\s*$/i.exec(line) ?? [];
      if (length === undefined || !seen.has(length)) {
        if (length !== undefined) seen.add(length);
        return true;
      }
      return false;
    })
    .join('\n');
}

/** Connects as `node:http` asks, and tidies the head of the server's answer. */
export function connectTidied(
  options: NetConnectOpts & ConnectionOptions,
  isSecure: boolean,
): Duplex {
  const socket: Socket = isSecure ? connectSecure(options) : connectPlain(options);
  const duplex = Duplex.from({ readable: socket.pipe(createTidier()), writable: socket });
  for (const event of ['connect', 'secureConnect']) socket.once(event, () => duplex.emit(event));
  socket.on('error', (error) => duplex.destroy(error));
  duplex.on('close', () => socket.destroy());
  return duplex;
}

/** Passes an answer on with its head tidied. */
export function createTidier(): Transform {
  let head: Buffer[] | undefined = [];
  let length = 0;
  /** The end of a head may be split over two chunks. */
  let tail = Buffer.alloc(0);

  /** What can be passed on by now; each byte is read only a few times, however many chunks there are. */
  function passed(chunk: Buffer): Buffer {
    if (!head) return chunk;
    head.push(chunk);
    length += chunk.length;
    const recent = Buffer.concat([tail, chunk]);
    tail = recent.subarray(-3);
    const isEnded = endOf(recent) !== undefined;
    if (!isEnded && length <= longest) return Buffer.alloc(0);
    const whole = Buffer.concat(head);
    head = undefined;
    return withTidyHead(whole);
  }
  return new Transform({
    transform: (chunk: Buffer, _, done) => done(null, passed(chunk)),
    flush: (done) => done(null, head && Buffer.concat(head)),
  });
}

function withTidyHead(bytes: Buffer): Buffer {
  const end = endOf(bytes);
  if (end === undefined) return bytes;
  const tidy = Buffer.from(tidyHead(bytes.toString('latin1', 0, end)), 'latin1');
  return Buffer.concat([tidy, bytes.subarray(end)]);
}

/** Where the head ends: behind its empty line. */
function endOf(bytes: Buffer): number | undefined {
  const ends = [bytes.indexOf('\r\n\r\n') + 4, bytes.indexOf('\n\n') + 2].filter((end) => end > 3);
  return ends.length > 0 ? Math.min(...ends) : undefined;
}
