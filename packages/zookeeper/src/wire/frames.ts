/** The largest frame that is accepted, in bytes: no list of children is this long. */
const maxLength = 64 * 1024 * 1024;

/**
 * Cuts a byte stream into frames: four bytes of length and as many bytes of content. `push` calls
 * `onFrame` with each whole frame, its length included; it throws on a length that cannot be.
 */
export function createFrames(onFrame: (frame: Buffer) => void): { push(chunk: Buffer): void } {
  let parts: Buffer[] = [];
  let size = 0;

  function take(length: number): Buffer {
    const [first] = parts;
    const whole = parts.length === 1 && first ? first : Buffer.concat(parts, size);
    parts = whole.length > length ? [whole.subarray(length)] : [];
    size = whole.length - length;
    return whole.subarray(0, length);
  }

  function next(): number | undefined {
    if (size < 4) return undefined;
    if ((parts[0]?.length ?? 0) < 4) parts = [Buffer.concat(parts, size)];
    const content = parts[0]?.readInt32BE(0) ?? 0;
    if (content < 0 || content > maxLength)
      throw new Error(`a frame of ${content} bytes cannot be ZooKeeper's`);
    return size < content + 4 ? undefined : content + 4;
  }

  return {
    push(chunk) {
      parts.push(chunk);
      size += chunk.length;
      for (let length = next(); length !== undefined; length = next()) onFrame(take(length));
    },
  };
}
