/**
 * Tells the run that holds it that its signal aborted; the function it gives lets go. One run at a time.
 * Runs that share a signal share one listener: adding and removing one each time costs nearly as much
 * as a TCP connection does.
 */
export type AbortSlot = (signal: AbortSignal, onAbort: () => void) => () => void;

export function createAbortSlot(): AbortSlot {
  let heard: AbortSignal | undefined;
  let holder: (() => void) | undefined;
  return (signal, onAbort) => {
    holder = onAbort;
    if (signal !== heard) signal.addEventListener('abort', () => holder?.());
    heard = signal;
    return () => {
      if (holder === onAbort) holder = undefined;
    };
  };
}
