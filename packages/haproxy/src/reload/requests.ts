import type { Reasons } from './reasons.ts';

/** The services that need a reload, because HAProxy refused a command or has none for the change. */
export interface ReloadRequests {
  /** These were compared with HAProxy, and `reasons` says which need a reload. */
  compared(services: readonly string[], reasons: Reasons): void;
  /** A file was loaded: a service that asks again was not helped by that. */
  loaded(): void;
  /** Requests that a reload may be made for now. */
  due(): Reasons;
  /** Requests that wait, because the last reload did not help. */
  waiting(): Reasons;
  /** When the first waiting request is due; Infinity where none waits. */
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
  /** How long the services that the last reload was for had waited. */
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
