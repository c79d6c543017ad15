/**
 * Whether a resourceVersion is older than another. They are numbers on every API server that there is; of others
 * nothing is known.
 */
export function isOlder(one: string, other: string): boolean {
  return isNumber(one) && isNumber(other) && BigInt(one) < BigInt(other);
}

const isNumber = (text: string) => /^\d{1,40}$/.test(text);
