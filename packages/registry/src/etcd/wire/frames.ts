/** A message with gRPC's prefix: not compressed, and how long it is. */
export function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** No message is longer, in bytes. */
export const maxMessage = 64 * 1024 * 1024;

/** A message that is longer than is read. */
export class TooLong extends Error {
  override readonly name = 'TooLong';
}

/**
 * A function from the chunks of a stream to the whole messages that each completes. Throws where they are no
 * gRPC, or where a message is too long. `isWithin` says whether the stream stands in the midst of a message.
 */
export function createFrameReader() {
  let chunks: Buffer[] = [];
  let length = 0;
  let wanted = 5;

  function* read(chunk: Buffer): Generator<Buffer, void> {
    chunks.push(chunk);
    length += chunk.length;
    while (length >= wanted) {
      const whole = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      const size = sizeOf(whole);
      wanted = 5 + size;
      chunks = [whole];
      if (length < wanted) return;
      const rest = whole.subarray(wanted);
      chunks = rest.length > 0 ? [rest] : [];
      length = rest.length;
      wanted = 5;
      yield whole.subarray(5, 5 + size);
    }
  }
  return { read, isWithin: () => length > 0 };
}

function sizeOf(frame: Buffer): number {
  if (frame[0] !== 0)
    throw new Error('answered with compressed messages, which were not asked for');
  const size = frame.readUInt32BE(1);
  if (size > maxMessage) throw new TooLong(`answer is longer than ${maxMessage} bytes`);
  return size;
}
