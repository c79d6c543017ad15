/** A message to encode: its fields' values by number. What is undefined, false or 0 is left out, as proto3 has it. */
export type Message = Readonly<Record<number, Value | readonly Value[] | undefined>>;
type Value = number | bigint | boolean | string | Buffer;

/** A decoded message. A field that is not there is 0, `false` or empty. */
export interface Fields {
  /** A number that fits; rejects one that does not. */
  number(field: number): number;
  /** A signed number of 64 bits. */
  bigint(field: number): bigint;
  bytes(field: number): Buffer;
  /** Every value of a repeated field of bytes or messages. */
  all(field: number): readonly Buffer[];
}

/** Encodes a message (https://protobuf.dev/programming-guides/encoding/). */
export function encode(message: Message): Buffer {
  const parts: Buffer[] = [];
  for (const [key, value] of Object.entries(message))
    for (const each of Array.isArray(value) ? value : [value]) append(parts, Number(key), each);
  return Buffer.concat(parts);
}

function append(parts: Buffer[], field: number, value: Value | undefined): void {
  if (value === undefined || value === false || value === 0 || value === 0n) return;
  if (typeof value === 'string' || Buffer.isBuffer(value)) {
    const bytes = Buffer.from(value as string);
    parts.push(varint((field << 3) | 2), varint(bytes.length), bytes);
  } else parts.push(varint(field << 3), varint(value === true ? 1 : value));
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** Decodes a message's fields; throws where the bytes are none. Its bytes are views of the input. */
export function decode(input: Buffer): Fields {
  const numbers = new Map<number, bigint | number>();
  const lists = new Map<number, Buffer[]>();
  let at = 0;

  /** As a number while it is small: a big one costs an allocation. */
  function readVarint(): number | bigint {
    let small = 0;
    for (let count = 0; count < 7; count += 1) {
      const byte = readByte();
      small += (byte & 127) * 2 ** (7 * count);
      if (byte < 128) return small;
    }
    let big = BigInt(small);
    for (let count = 7; count < 10; count += 1) {
      const byte = readByte();
      big |= BigInt(byte & 127) << BigInt(7 * count);
      if (byte < 128) return BigInt.asIntN(64, big);
    }
    throw new Error(notProtobuf);
  }

  function readByte(): number {
    const byte = input[at++];
    if (byte === undefined) throw new Error(notProtobuf);
    return byte;
  }

  function take(length: number): Buffer {
    if (length < 0 || at + length > input.length) throw new Error(notProtobuf);
    at += length;
    return input.subarray(at - length, at);
  }

  while (at < input.length) {
    const tag = Number(readVarint());
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        numbers.set(field, readVarint());
        break;
      case 1:
        take(8);
        break;
      case 2: {
        const bytes = take(Number(readVarint()));
        const list = lists.get(field);
        if (list) list.push(bytes);
        else lists.set(field, [bytes]);
        break;
      }
      case 5:
        take(4);
        break;
      default:
        throw new Error(notProtobuf);
    }
  }
  return {
    number: (field) => {
      const value = Number(numbers.get(field) ?? 0);
      if (!Number.isSafeInteger(value)) throw new Error(`number out of range: ${value}`);
      return value;
    },
    bigint: (field) => BigInt(numbers.get(field) ?? 0),
    bytes: (field) => lists.get(field)?.at(-1) ?? empty,
    all: (field) => lists.get(field) ?? [],
  };
}

const empty = Buffer.alloc(0);
const notProtobuf = 'not a protobuf message';
