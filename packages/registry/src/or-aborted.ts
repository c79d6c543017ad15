/** Waits no longer than until the signal aborts; what is waited for goes on, as others may wait for it too. */
export async function orAborted<T>(what: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
  });
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  try {
    return await Promise.race([what, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
