import { messageOf } from '@smartstack/daemon';

const retryBase = 500;
const retryMax = 30_000;

/** The failures in a row, each of which makes the next try wait longer. */
export function createFailures() {
  let count = 0;
  let latest: string | undefined;
  return {
    get latest() {
      return latest;
    },
    /** How long to wait before the next try, in milliseconds. */
    add: (error: unknown): number => {
      latest = messageOf(error);
      count += 1;
      return Math.min(retryMax, retryBase * 2 ** Math.min(count, 10));
    },
    clear: () => {
      latest = undefined;
      count = 0;
    },
  };
}
