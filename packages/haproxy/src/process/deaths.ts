import { createEndWatch, isRunning, type ProcessId, pause } from '@smartstack/proxy';

/** How often HAProxy is checked, in milliseconds: with connections whose end tells at once, and without. */
const lineInterval = 3_000;
const deathInterval = 300;
/** A process that closed a connection needs this long to be gone, or to take another one, in milliseconds. */
const closingTime = 15;
/** Below HAProxy's own timeout for idle clients of a stats socket, which is 10 s. */
const workerLifetime = 8_000;
/** HAProxy takes ten clients of its stats sockets at a time; where users allow fewer than this, synapse keeps none. */
const sparePlaces = 5;

export interface Watched {
  /** Paths of the sockets at which the two processes listen. */
  readonly sockets: { readonly master: string; readonly worker: string };
  /** Lines of HAProxy's global section that users wrote. */
  readonly global: readonly string[];
  /** The two processes as they are known now; searches for them where they are not. */
  known(
    signal: AbortSignal,
  ): Promise<{ master: ProcessId | undefined; worker: ProcessId | undefined }>;
  /** Aborts when a master that this process started ends. */
  ended(): AbortSignal | undefined;
  isLoading(): boolean;
  /** Whether a worker answers. */
  isServed(signal: AbortSignal): Promise<boolean>;
}

/** Tells when HAProxy's master or its worker ends: the kernel closes a connection to it at once. */
export interface Deaths {
  /** Yields when one of them is found dead, once for each. Ends when aborted. */
  follow(signal: AbortSignal): AsyncGenerator<void, void>;
  /** Closes the connection to the worker: it does not end before its last one does. */
  release(): void;
}

export function createDeaths(watched: Watched): Deaths {
  const { sockets, isLoading } = watched;
  const worker = createEndWatch(sockets.worker, workerLifetime);
  const isCrowded = placesOf(watched.global) < sparePlaces;
  const reported = new WeakSet<ProcessId>();
  const isNews = (one: ProcessId | undefined) =>
    one !== undefined && !reported.has(one) && !isRunning(one);

  async function* follow(signal: AbortSignal): AsyncGenerator<void, void> {
    using master = createEndWatch(sockets.master);
    using _ = worker;
    let before: AbortSignal | undefined;
    while (!signal.aborted) {
      const known = await watched.known(signal);
      const isDead = isNews(known.master);
      const isDown = !isLoading() && isNews(known.worker) && !(await watched.isServed(signal));
      for (const one of [known.master, known.worker])
        if (one && (isDead || isDown)) reported.add(one);
      if (isDead || isDown) yield;
      const closed = await master.hold();
      // A master whose connection is new may be reloading: its old worker must not be kept alive by ours.
      const isSettled = closed !== undefined && closed === before && !isCrowded && !isLoading();
      before = closed;
      if (!isSettled) worker.drop();
      const left = isSettled ? await worker.hold() : undefined;
      const told = [watched.ended(), closed, left].flatMap((each) =>
        each && !each.aborted ? [each] : [],
      );
      await pause(closed && left ? lineInterval : deathInterval, signal, ...told);
      if (closed?.aborted || left?.aborted) await pause(closingTime, signal);
    }
  }

  return { follow, release: worker.drop };
}

/** How many clients HAProxy's stats sockets take at a time. */
export function placesOf(global: readonly string[]): number {
  const places = global.flatMap((line) => /^\s*stats\s+maxconn\s+(\d+)/.exec(line)?.[1] ?? []);
  return Number(places.at(-1) ?? 10);
}
