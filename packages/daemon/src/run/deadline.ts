/** A time limit for one piece of work; dispose of it when the work is done. */
export interface Deadline extends Disposable {
  /** Aborts when the time is over, or with the first of the given signals, and has its reason. */
  readonly signal: AbortSignal;
  /** Whether it was the time that ran out. */
  readonly isOver: boolean;
}

/**
 * A time limit in milliseconds that also ends with any of the given signals. In place of
 * `AbortSignal.any([signal, AbortSignal.timeout(n)])`: on Node 20 nothing but a weak reference holds that
 * timeout, and once it is collected it never comes (nodejs/node#54614); and at a signal that lives as long
 * as the process every `any` leaves an entry behind.
 */
export function createDeadline(milliseconds: number, ...signals: readonly AbortSignal[]): Deadline {
  const controller = new AbortController();
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    end(new DOMException(`not done in ${milliseconds} ms`, 'TimeoutError'));
  }, milliseconds);
  const onAbort = (event: Event) => end((event.target as AbortSignal).reason);

  function end(reason: unknown): void {
    release();
    controller.abort(reason);
  }

  function release(): void {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener('abort', onAbort);
  }

  const ended = signals.find(({ aborted }) => aborted);
  if (ended) end(ended.reason);
  else for (const signal of signals) signal.addEventListener('abort', onAbort);
  return {
    signal: controller.signal,
    get isOver() {
      return isOver;
    },
    [Symbol.dispose]: release,
  };
}
