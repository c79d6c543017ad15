import { createTimeSlice, type TimeSlice } from '@smartstack/daemon';

/** What is parsed in one go, in bytes: a millisecond or so. */
const piece = 64 * 1024;
/** Lists stand this deep in what registries answer, or less deep; below it a value is parsed in one go. */
const deepest = 4;

interface Parsing {
  readonly text: Buffer;
  readonly slice: TimeSlice;
  readonly signal: AbortSignal;
}

/** A value's place in the text. */
type Range = readonly [begin: number, end: number];

/**
 * What `JSON.parse` makes of a text, without holding the event loop: a long one is taken apart, and its parts are
 * parsed in slices of a few milliseconds. Rejects where it is not valid JSON.
 */
export async function parseJson(text: Buffer, signal: AbortSignal): Promise<unknown> {
  if (text.length <= piece) return parsePart(text, 0, text.length);
  return parseRange({ text, slice: createTimeSlice(), signal }, [0, text.length], 0);
}

async function parseRange(parsing: Parsing, range: Range, depth: number): Promise<unknown> {
  const { text, slice, signal } = parsing;
  if (slice.isOver) await slice.yield();
  signal.throwIfAborted();
  const [begin, end] = trimmed(text, range);
  const first = text[begin];
  const isList = first === open.list && text[end - 1] === close.list;
  const isObject = first === open.object && text[end - 1] === close.object;
  if (end - begin <= piece || depth === deepest || !(isList || isObject))
    return parsePart(text, begin, end);
  const parts = await partsOf(parsing, [begin + 1, end - 1]);
  if (isList) {
    const list: unknown[] = [];
    for (const part of parts) list.push(await parseRange(parsing, part, depth + 1));
    return list;
  }
  const object: Record<string, unknown> = {};
  for (const part of parts) {
    const [key, value] = memberOf(text, part);
    // As `JSON.parse` does it: a key `__proto__` is a key as any other.
    Object.defineProperty(object, key, {
      value: await parseRange(parsing, value, depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return object;
}

function parsePart(text: Buffer, begin: number, end: number): unknown {
  try {
    return JSON.parse(text.toString('utf8', begin, end));
  } catch {
    throw new Error('answer is not valid JSON');
  }
}

const open = { list: 0x5b, object: 0x7b };
const close = { list: 0x5d, object: 0x7d };
const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;

/** What stands between the commas of a list or an object. */
async function partsOf(
  { text, slice, signal }: Parsing,
  [begin, end]: Range,
): Promise<readonly Range[]> {
  const parts: Range[] = [];
  let start = begin;
  let depth = 0;
  for (let at = begin; at < end; at++) {
    const byte = text[at];
    if (byte === quote) at = endOfString(text, at, end);
    else if (byte === open.list || byte === open.object) depth++;
    else if (byte === close.list || byte === close.object) depth--;
    else if (byte === comma && depth === 0) {
      parts.push([start, at]);
      start = at + 1;
      if (slice.isOver) await slice.yield();
      signal.throwIfAborted();
    }
  }
  if (parts.length === 0 && isBlank(text, [begin, end])) return [];
  return [...parts, [start, end]];
}

/** Where a string's closing quote stands; the end where it has none. */
function endOfString(text: Buffer, from: number, end: number): number {
  for (let at = from + 1; at < end; at++) {
    if (text[at] === backslash) at++;
    else if (text[at] === quote) return at;
  }
  return end;
}

function memberOf(text: Buffer, range: Range): readonly [key: string, value: Range] {
  const [begin, end] = trimmed(text, range);
  const last = text[begin] === quote ? endOfString(text, begin, end) : end;
  const [at] = trimmed(text, [last + 1, end]);
  if (text[at] !== colon || at >= end) throw new Error('answer is not valid JSON');
  return [String(parsePart(text, begin, last + 1)), [at + 1, end]];
}

function trimmed(text: Buffer, [from, to]: Range): Range {
  let begin = from;
  let end = to;
  while (begin < end && isSpace(text[begin])) begin++;
  while (end > begin && isSpace(text[end - 1])) end--;
  return [begin, end];
}

function isBlank(text: Buffer, range: Range): boolean {
  const [begin, end] = trimmed(text, range);
  return begin === end;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
