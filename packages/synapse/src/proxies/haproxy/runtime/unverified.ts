/** Backends that were changed from what was known of them, and when they are looked at together. */
export interface Unverified {
  add(backend: string): void;
  delete(backend: string): void;
  clear(): void;
  /** When a backend is to be looked at, on `performance.now()`'s clock; Infinity when it was. */
  due(backend: string): number;
}

/** How long HAProxy's replies are believed without a look, in milliseconds. */
const patience = 1_000;

export function createUnverified(): Unverified {
  const backends = new Set<string>();
  let time = Infinity;
  return {
    add: (backend) => {
      if (backends.size === 0) time = performance.now() + patience;
      backends.add(backend);
    },
    delete: (backend) => void backends.delete(backend),
    clear: () => backends.clear(),
    due: (backend) => (backends.has(backend) ? time : Infinity),
  };
}
