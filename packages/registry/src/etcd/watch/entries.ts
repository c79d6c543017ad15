import { longestRecord } from '../../instance/instance.ts';
import type { KeyEvent, KeyValue } from '../wire/messages.ts';
import type { Prefix } from './prefix.ts';

/** A record below a path. */
export interface Entry {
  readonly name: string;
  /** Its value; of one that is longer than any record may be, the beginning. */
  readonly data: Buffer;
  readonly created: number;
  readonly modified: number;
}

/** How much a path may hold. */
export interface Limits {
  readonly records: number;
  /** In all of its records. */
  readonly bytes: number;
}

export const usualLimits: Limits = { records: 200_000, bytes: 64 * 1024 * 1024 };

/** A path holds more than is read of one. */
export class TooMuch extends Error {
  override readonly name = 'TooMuch';
}

export function entryOf(
  name: string,
  { value, created, modified }: Pick<KeyValue, 'value' | 'created' | 'modified'>,
): Entry {
  // A view would keep the whole answer in memory, and a long value is no record anyway.
  return { name, data: Buffer.from(value.subarray(0, longestRecord + 1)), created, modified };
}

/** Throws a `TooMuch` where these are more than a path may have; `keys` counts what is below it and deeper, too. */
export function expectFew(
  path: string,
  limits: Limits,
  entries: ReadonlyMap<string, Entry>,
  keys = 0,
): void {
  if (Math.max(entries.size, keys) > limits.records)
    throw new TooMuch(`more than ${limits.records} records at ${path}`);
  let bytes = 0;
  for (const { data } of entries.values()) bytes += data.length;
  if (bytes > limits.bytes) throw new TooMuch(`more than ${limits.bytes} bytes at ${path}`);
}

/** Whether any record has changed. */
export function applyAll(
  events: readonly KeyEvent[],
  entries: Map<string, Entry>,
  prefix: Prefix,
): boolean {
  let isChanged = false;
  for (const { isDelete, kv } of events) {
    const name = prefix.nameOf(kv.key);
    if (name === undefined) continue;
    if (isDelete) isChanged = entries.delete(name) || isChanged;
    else {
      entries.set(name, entryOf(name, kv));
      isChanged = true;
    }
  }
  return isChanged;
}

/** Records that are as they were stay the very same objects, which need not be parsed again. */
export function mergedWith(
  before: ReadonlyMap<string, Entry> | undefined,
  now: ReadonlyMap<string, Entry>,
): Map<string, Entry> {
  return new Map(
    [...now].map(([name, entry]) => {
      const last = before?.get(name);
      return [name, last && isSameEntry(last, entry) ? last : entry];
    }),
  );
}

const isSameEntry = (a: Entry, b: Entry) =>
  a.created === b.created && a.modified === b.modified && a.data.equals(b.data);

export const isSame = (a: ReadonlyMap<string, Entry>, b: ReadonlyMap<string, Entry>) =>
  a.size === b.size && [...a].every(([name, entry]) => b.get(name) === entry);
