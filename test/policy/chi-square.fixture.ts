/**
 * How far counts are from their shares: Pearson's χ², and the bound that only one of 10,000 fair runs exceeds
 * (Wilson and Hilferty's approximation).
 */
export function chiSquare(
  counts: readonly number[],
  shares: readonly number[],
): { readonly value: number; readonly bound: number } {
  const total = counts.reduce((sum, each) => sum + each, 0);
  const whole = shares.reduce((sum, each) => sum + each, 0);
  const value = counts.reduce((sum, count, index) => {
    const expected = (total * (shares[index] ?? 0)) / whole;
    // What was never to come makes any count too much.
    if (expected === 0) return count === 0 ? sum : Number.POSITIVE_INFINITY;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
  const degrees = Math.max(1, shares.filter((share) => share > 0).length - 1);
  const part = 2 / (9 * degrees);
  return { value, bound: degrees * (1 - part + 3.719 * Math.sqrt(part)) ** 3 };
}
