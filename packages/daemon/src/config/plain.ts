import { parse } from 'yaml';

/** Whether YAML takes a text without quotes for something that is no text: a number, true, false or null. */
export function isPlainValue(text: string): boolean {
  return /^(?:~|null|Null|NULL|true|True|TRUE|false|False|FALSE|[-+]?\.?\d[\w.+-]*)$/.test(text);
}

/** The value that YAML gives to an unquoted text; the text itself where it only looks like a number. */
export function parsePlain(text: string): unknown {
  const value: unknown = parse(text);
  return typeof value === 'object' && value !== null ? text : exact(value, text);
}

/** A value as it was written: a whole number that JavaScript cannot hold is its digits, as text. */
export function exact(value: unknown, text = ''): unknown {
  const isCut = typeof value === 'number' && !Number.isSafeInteger(value);
  return isCut && /^[+-]?\d+$/.test(text) ? text : value;
}

/** What YAML 1.1, which the originals read, took for true and false beside these words themselves. */
export function yaml11Boolean(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (/^(?:yes|Yes|YES|on|On|ON)$/.test(text)) return true;
  return /^(?:no|No|NO|off|Off|OFF)$/.test(text) ? false : undefined;
}
