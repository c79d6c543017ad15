/**
 * Calls back once the time is up, in milliseconds, unless the function that it returns was called before.
 * A process that was held up itself looks first at what had arrived meanwhile, and gives back the time
 * that it lost, at most the same again: its own trouble is not that of the service it asks.
 */
export function startDeadline(timeout: number, expire: () => void): () => void {
  const due = performance.now() + timeout;
  let immediate: NodeJS.Immediate | undefined;
  const afterInput = () => {
    immediate = setImmediate(expire);
  };
  let timer = setTimeout(() => {
    const late = performance.now() - due;
    if (late < 10) afterInput();
    else timer = setTimeout(afterInput, Math.min(late, timeout));
  }, timeout);
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}
