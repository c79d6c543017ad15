/** Which backends are known to be in step, and when the others are to be looked at. */
export interface Verified {
  /** It was changed from what was known of it: it is looked at a little later, together with others. */
  changed(backend: string): void;
  /** It was looked at; `fingerprint` is what HAProxy said of it where that was found in step. */
  looked(backend: string, fingerprint: number | undefined): void;
  /** All that is not as it was when it was found in step is to be looked at now. */
  audit(backends: Iterable<string>, fingerprints: ReadonlyMap<string, number>): void;
  clear(): void;
  /** When a backend is to be looked at, on `performance.now()`'s clock; Infinity when it was. */
  due(backend: string): number;
}

/** How long HAProxy's replies are believed without a look, in milliseconds. */
const patience = 1_000;

export function createVerified(): Verified {
  const inStep = new Map<string, number>();
  const unsure = new Set<string>();
  const suspects = new Set<string>();
  let time = Infinity;
  return {
    changed: (backend) => {
      if (unsure.size === 0) time = performance.now() + patience;
      unsure.add(backend);
      inStep.delete(backend);
    },
    looked: (backend, fingerprint) => {
      unsure.delete(backend);
      suspects.delete(backend);
      if (fingerprint === undefined) inStep.delete(backend);
      else inStep.set(backend, fingerprint);
    },
    audit: (backends, fingerprints) => {
      for (const backend of backends) {
        const before = inStep.get(backend);
        if (before === undefined || before !== fingerprints.get(backend)) suspects.add(backend);
      }
    },
    clear: () => {
      inStep.clear();
      unsure.clear();
      suspects.clear();
    },
    due: (backend) => {
      if (suspects.has(backend)) return 0;
      return unsure.has(backend) ? time : Infinity;
    },
  };
}
