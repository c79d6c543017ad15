import type { Gap } from '@smartstack/policy';

/** Whether a version is another or newer, by its first two numbers. */
export function atLeast(version: string, other: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number);
  return major === otherMajor ? minor >= otherMinor : major > otherMajor;
}

/**
 * What one version of a proxy cannot do, of all that some versions cannot. Of a version that is not known, what only
 * newer ones can is among it.
 */
export function gapsAt(gaps: readonly Gap[], version: string | undefined): readonly Gap[] {
  const here = version === undefined ? 'which one runs here is not known' : `this is ${version}`;
  return gaps.flatMap((gap) => {
    if (gap.since === undefined) return [gap];
    if (version !== undefined && atLeast(version, gap.since)) return [];
    return [{ ...gap, why: `${gap.why}, and ${here}` }];
  });
}
