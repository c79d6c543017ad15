/** Whether a registry does not answer now; while it does not, its last failure is always recent. */
export function isAway(lastUnhealthy: number | undefined): boolean {
  return lastUnhealthy !== undefined && performance.now() - lastUnhealthy < 100;
}
