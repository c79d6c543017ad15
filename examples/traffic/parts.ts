/** Takes what was started, so that it is ended again. */
export type Use = <T extends AsyncDisposable>(part: T) => T;

/** Parts that are ended in the opposite order, whatever happens. */
export function createParts(): AsyncDisposable & { readonly use: Use } {
  const started: AsyncDisposable[] = [];
  return {
    use: (part) => {
      started.push(part);
      return part;
    },
    async [Symbol.asyncDispose]() {
      for (const part of started.toReversed()) await part[Symbol.asyncDispose]();
    },
  };
}
