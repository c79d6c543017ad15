/** Which backends were verified to be in step, and when the others are due. */
export interface Verified {
  /** It was changed from memory: it is verified a little later, together with others. */
  changed(backend: string): void;
  /** HAProxy was asked for it; `fingerprint` is that of its states, if these were in step. */
  looked(backend: string, fingerprint: number | undefined): void;
  /** Backends whose fingerprints changed since they were in step are due now. */
  audit(backends: Iterable<string>, fingerprints: ReadonlyMap<string, number>): void;
  clear(): void;
  /** When a backend is to be verified, on `performance.now()`'s clock; Infinity when it was. */
  due(backend: string): number;
}

/** How long HAProxy's replies to commands are believed unverified, in milliseconds. */
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
