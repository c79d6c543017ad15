/**
 * Calls back after so many milliseconds, unless the function that it returns was called before. When this
 * process itself was blocked, it first reads what has arrived meanwhile and extends the deadline by the time
 * lost, at most to twice the length: the service is not to fail for nerve's own delay.
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
