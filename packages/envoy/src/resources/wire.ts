/**
 * The encoding of Protocol Buffers for what there is much of: the members of services. Bytes are text of one character
 * each (`latin1`), which is the fastest to put together. A message is its fields one behind the other, and fields of
 * nothing are left out.
 */
export const text = (field: number, value: string): string =>
  value === '' ? '' : within(field, bytesOf(value));

/** A field that holds a message, also an empty one. */
export const within = (field: number, content: string): string =>
  varint((field << 3) | 2) + varint(content.length) + content;

export const number = (field: number, value: number): string =>
  value === 0 ? '' : varint(field << 3) + varint(value);

/** A number that may be absent, in a message of its own. */
export const wrapped = (field: number, value: number): string => within(field, number(1, value));

function bytesOf(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is a byte each is ASCII, all of it
  return /^[\x00-\x7f]*$/.test(value) ? value : Buffer.from(value).toString('latin1');
}

/** Whole numbers below 2^32. */
function varint(value: number): string {
  if (value < 0x80) return String.fromCharCode(value);
  return String.fromCharCode((value % 0x80) | 0x80) + varint(Math.floor(value / 0x80));
}
