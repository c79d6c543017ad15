import { pause } from '@smartstack/proxy';
import { createEndWatch } from './end-watch.ts';
import { isRunning, type ProcessId } from './process-id.ts';

/** How often it is asked whether HAProxy lives, where a closed connection would tell and where it would not. */
const lineInterval = 3_000;
const deathInterval = 300;
/** What closes a connection is not yet gone, or takes no other one for a moment. */
const closingTime = 15;
/** Below HAProxy's own timeout for idle clients of a stats socket, which is 10 s. */
const workerLifetime = 8_000;
/** HAProxy takes ten clients of its stats sockets at a time; where users say fewer, we leave them all. */
const sparePlaces = 5;

export interface Watched {
  /** Paths of the sockets at which the two processes listen. */
  readonly sockets: { readonly master: string; readonly worker: string };
  /** Lines of HAProxy's global section that users wrote. */
  readonly global: readonly string[];
  /** What is known of the two now, looked for where it is not. */
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
  /** Lets the worker go, which would not end before its last connection does. */
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
      // A master whose connection is new may be reloading: what its old worker has to end is not held up.
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
