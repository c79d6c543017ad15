import type { Reasons } from './reasons.ts';

/** What services want a reload for, because HAProxy refused a command or takes none for that. */
export interface ReloadRequests {
  /** These were compared with HAProxy, which left some of them wanting. */
  compared(services: readonly string[], reasons: Reasons): void;
  /** A file was loaded: what is wanted next for the same services was not helped by that. */
  loaded(): void;
  /** What may be loaded for by now. */
  due(): Reasons;
  /** What is not to be loaded for now: the last reload did not help. */
  waiting(): Reasons;
  /** When the first of these may be loaded for again; Infinity where none waits. */
  readonly next: number;
}

/** How long a service waits for another reload after one that did not help, in milliseconds. */
const firstWait = 5_000;
const longestWait = 3_600_000;

interface Want {
  readonly reason: string;
  readonly wait: number;
  readonly notBefore: number;
}

export function createReloadRequests(): ReloadRequests {
  const requests = new Map<string, Want>();
  /** How long those waited that the last file was loaded for. */
  let tried = new Map<string, number>();

  function want(service: string, reason: string): void {
    const before = requests.get(service);
    const waited = tried.get(service);
    if (waited === undefined) {
      requests.set(service, { wait: 0, notBefore: 0, ...before, reason });
      return;
    }
    const wait = Math.min(longestWait, Math.max(firstWait, waited * 2));
    requests.set(service, { reason, wait, notBefore: performance.now() + wait });
  }

  const some = (isWaiting: boolean): Reasons => {
    const now = performance.now();
    const chosen = [...requests].filter(([, { notBefore }]) => notBefore > now === isWaiting);
    return new Map(chosen.map(([service, { reason }]) => [service, reason]));
  };

  return {
    compared: (services, reasons) => {
      for (const service of services) if (!reasons.has(service)) requests.delete(service);
      for (const [service, reason] of reasons) want(service, reason);
      for (const service of [...services, ...reasons.keys()]) tried.delete(service);
    },
    loaded: () => {
      tried = new Map([...requests].map(([service, { wait }]) => [service, wait]));
      requests.clear();
    },
    due: () => some(false),
    waiting: () => some(true),
    get next() {
      const now = performance.now();
      const times = [...requests.values()].map(({ notBefore }) => notBefore);
      return Math.min(Infinity, ...times.filter((time) => time > now));
    },
  };
}
