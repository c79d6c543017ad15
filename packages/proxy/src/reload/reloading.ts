import { pause } from './pause.ts';

/** How a reload ended. */
export type Ended<Result> =
  | { readonly loaded: Result; readonly error?: undefined }
  | { readonly loaded?: undefined; readonly error: Error };

/** One reload at a time, which goes on while members change. */
export interface Reloading<Result> {
  /** Whether one was begun, and its result was not taken yet. */
  readonly isUnderWay: boolean;
  begin(work: () => Promise<Result>): void;
  /** Waits for its end, or for a time in milliseconds. */
  settled(patience?: number): Promise<void>;
  /** Its result, given out once; undefined before it ended. */
  take(): Ended<Result> | undefined;
}

/** Calls `onEnd` when there is a result to take. */
export function createReloading<Result>(onEnd: () => void): Reloading<Result> {
  let over = new AbortController();
  let isUnderWay = false;
  let ended: Ended<Result> | undefined;

  async function follow(work: () => Promise<Result>): Promise<void> {
    ended = await work().then(
      (loaded) => ({ loaded }),
      (reason: unknown) => ({
        error: reason instanceof Error ? reason : new Error(String(reason)),
      }),
    );
    over.abort();
    onEnd();
  }

  return {
    get isUnderWay() {
      return isUnderWay;
    },
    begin: (work) => {
      if (isUnderWay) throw new Error('cannot begin a reload: one is under way');
      over = new AbortController();
      isUnderWay = true;
      void follow(work);
    },
    settled: async (patience = 2 ** 31 - 1) => {
      if (isUnderWay) await pause(patience, over.signal);
    },
    take: () => {
      const one = ended;
      if (one) isUnderWay = false;
      ended = undefined;
      return one;
    },
  };
}
