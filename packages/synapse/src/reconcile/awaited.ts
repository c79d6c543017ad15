/** Parts that a start waits for; each counts until it has answered or is no longer followed. */
export interface Awaited {
  /** Resolves once nothing is waited for. */
  readonly all: Promise<void>;
  expect(parts: Iterable<object>): void;
  answered(part: object): void;
}

export function createAwaited(): Awaited {
  let expected = new Set<object>();
  let resolve = () => {};
  const all = new Promise<void>((done) => {
    resolve = done;
  });
  return {
    all,
    expect: (parts: Iterable<object>) => {
      expected = new Set(parts);
      if (expected.size === 0) resolve();
    },
    answered: (part: object) => {
      if (expected.delete(part) && expected.size === 0) resolve();
    },
  };
}
