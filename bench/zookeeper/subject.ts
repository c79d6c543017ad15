import { monitorEventLoopDelay } from 'node:perf_hooks';

/** A client of ZooKeeper under measurement: it can read, and follow services with their members' data. */
export interface Subject {
  readonly name: string;
  /** Reads all of these nodes at once. */
  read(paths: readonly string[]): Promise<void>;
  /** Follows all of these services from now on; resolves once every member of each is known. */
  follow(services: readonly string[]): Promise<void>;
  /** Resolves once this member of a followed service is known with its data. */
  seen(service: string, member: string): Promise<void>;
  /** How many lists and data reads were answered so far. */
  requests(): Promise<{ readonly lists: number; readonly reads: number }>;
  /** Resolves once it knows, after a reconnect, that it missed nothing; at once where it never does. */
  verified(): Promise<void>;
  close(): Promise<void>;
}

export interface Timed {
  readonly took: number;
  /** The longest time that the event loop was busy with one thing, in milliseconds. */
  readonly block: number;
}

/** How long an action took, and the longest block of the event loop in it. */
export async function timed(action: () => Promise<unknown>): Promise<Timed> {
  const resolution = 5;
  const delay = monitorEventLoopDelay({ resolution });
  const pause = () => new Promise((resolve) => setTimeout(resolve, 4 * resolution));
  delay.enable();
  await pause();
  delay.reset();
  const since = performance.now();
  await action();
  const took = performance.now() - since;
  await pause();
  delay.disable();
  return { took, block: Math.max(0, delay.max / 1e6 - resolution) };
}

type Known = ReadonlyMap<string, ReadonlySet<string>>;

/** What is known of followed services, and who waits for it. */
export function createKnowledge() {
  const known = new Map<string, ReadonlySet<string>>();
  const waiting = new Set<() => void>();
  return {
    learn(service: string, members: ReadonlySet<string>) {
      known.set(service, members);
      for (const check of [...waiting]) check();
    },
    until(holds: (known: Known) => boolean): Promise<void> {
      return new Promise((resolve) => {
        const check = () => {
          if (!holds(known)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      });
    },
  };
}
