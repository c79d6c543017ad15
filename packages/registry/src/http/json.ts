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
  const { text } = parsing;
  await rest(parsing);
  const [begin, end] = trimmed(text, range);
  const first = text[begin];
  const isList = first === open.list && text[end - 1] === close.list;
  const isObject = first === open.object && text[end - 1] === close.object;
  if (end - begin <= piece || depth === deepest || !(isList || isObject))
    return parsePart(text, begin, end);
  const inner: Range = [begin + 1, end - 1];
  return isList ? parseList(parsing, inner, depth + 1) : parseObject(parsing, inner, depth + 1);
}

async function parseList(parsing: Parsing, inner: Range, depth: number): Promise<unknown> {
  const list: unknown[] = [];
  for await (const part of partsOf(parsing, inner)) {
    await rest(parsing);
    if (part.isLone) list.push(await parseRange(parsing, part.range, depth));
    else for (const each of parseText(`[${textOf(parsing, part)}]`) as unknown[]) list.push(each);
  }
  return list;
}

async function parseObject(parsing: Parsing, inner: Range, depth: number): Promise<unknown> {
  const object: Record<string, unknown> = {};
  // As `JSON.parse` does it: a key `__proto__` is a key as any other.
  const set = (key: string, value: unknown) =>
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  for await (const part of partsOf(parsing, inner)) {
    await rest(parsing);
    if (part.isLone) {
      const [key, value] = memberOf(parsing.text, part.range);
      set(key, await parseRange(parsing, value, depth));
    } else
      for (const [key, value] of Object.entries(parseText(`{${textOf(parsing, part)}}`) as object))
        set(key, value);
  }
  return object;
}

async function rest({ slice, signal }: Parsing): Promise<void> {
  if (slice.isOver) await slice.yield();
  signal.throwIfAborted();
}

function parsePart(text: Buffer, begin: number, end: number): unknown {
  return parseText(text.toString('utf8', begin, end));
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
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

/** Elements of a list or members of an object, with the commas between them. */
interface Part {
  readonly range: Range;
  /** Whether it is one alone, which is longer than a piece. */
  readonly isLone: boolean;
}

function textOf({ text }: Parsing, { range: [begin, end] }: Part): string {
  return text.toString('utf8', begin, end);
}

/** What stands in a list or an object: as many as make a piece together, so that millions of them are no millions of parts. */
async function* partsOf(parsing: Parsing, [begin, end]: Range): AsyncGenerator<Part, void> {
  const { text } = parsing;
  if (isBlank(text, [begin, end])) return;
  /** Where the part begins, and its last element. */
  let start = begin;
  let last = begin;
  let depth = 0;
  let pause = begin + piece;
  for (let at = begin; at < end; at++) {
    if (at >= pause) {
      pause = at + piece;
      await rest(parsing);
    }
    const byte = text[at];
    if (byte === quote) at = endOfString(text, at, end);
    else if (byte === open.list || byte === open.object) depth++;
    else if (byte === close.list || byte === close.object) depth--;
    else if (byte === comma && depth === 0) {
      if (at - last > piece) {
        if (last > start) yield several(text, [start, last - 1]);
        yield { range: [last, at], isLone: true };
        start = at + 1;
      } else if (at - start > piece) {
        yield several(text, [start, at]);
        start = at + 1;
      }
      last = at + 1;
    }
  }
  if (end - last <= piece) yield several(text, [start, end]);
  else {
    if (last > start) yield several(text, [start, last - 1]);
    yield { range: [last, end], isLone: true };
  }
}

/** Nothing between commas is no element. */
function several(text: Buffer, range: Range): Part {
  if (isBlank(text, range)) throw new Error('answer is not valid JSON');
  return { range, isLone: false };
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
