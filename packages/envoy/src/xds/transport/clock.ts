/** The time in milliseconds: of the day, but steady while the process runs. */
export const now = (): number => performance.timeOrigin + performance.now();
