import { setTimeout as sleep } from 'node:timers/promises';

import { messageOf } from '../error.ts';
import type { Log } from '../logs/log.ts';
import { createLatest } from '../run/latest.ts';
import type { Journal } from './journal.ts';
import type { PageAbout, PageSample, PageView } from './model.ts';
import { type Present, type Written, writeView } from './news.ts';

/** What a daemon puts on its page. */
export interface PageSource {
  readonly about: PageAbout;
  readonly journal: Journal;
  /** The state to show; called several times a second while there are viewers. */
  view(): PageView | Promise<PageView>;
  /** Measures what changes all the time; called twice a second while there are viewers. */
  measure?(signal: AbortSignal): Promise<void>;
  /** The numbers to plot since the last call, by service; undefined when there are none. */
  sample?(): PageSample['values'] | undefined;
}

/** Gets the whole state each time, and works out itself what is new. */
export interface Viewer {
  tell(present: Omit<Present, 'view'>, written: Written, now: number): void;
}

/** Sends a daemon's state to the page's viewers. Without viewers it asks the daemon for nothing. */
export interface Feed {
  /** Tells a viewer at once, and from then on until the signal aborts; rejects when the source fails at first. */
  follow(viewer: Viewer, signal: AbortSignal): Promise<void>;
  /** Tells a viewer once; one that polls like this every few seconds counts as watching. */
  tellOnce(viewer: Viewer): Promise<void>;
  /** How many follow now. */
  readonly followers: number;
  /** Works until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface FeedIntervals {
  /** Milliseconds between two calls of `view`, `measure` and `sample`. */
  readonly view: number;
  readonly measure: number;
  readonly sample: number;
  /** How long samples are kept, and gathered on, after the last viewer went. */
  readonly linger: number;
}

const usual: FeedIntervals = { view: 200, measure: 500, sample: 1000, linger: 10_000 };
/** Five minutes of samples. */
const mostSamples = 300;
/** The feed may take this part of the time: what takes long is done less often. */
const share = 1 / 10;

export function createFeed(
  source: PageSource,
  log: Log,
  intervals: Partial<FeedIntervals> = {},
): Feed {
  const { view, measure, sample, linger } = { ...usual, ...intervals };
  const viewers = new Set<Viewer>();
  const wanted = createLatest<void>();
  let samples: readonly PageSample[] = [];
  let lastWatched = 0;
  let writing: Promise<Written> | undefined;

  const isWatched = () => viewers.size > 0 || performance.now() - lastWatched < linger;

  /** The state as text; those who ask meanwhile get the same. */
  function written(): Promise<Written> {
    writing ??= writeNow().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  const writeNow = async () => writeView(await source.view());

  const tell = (viewer: Viewer, written: Written) =>
    viewer.tell(
      { about: source.about, events: source.journal.after(0), samples },
      written,
      Date.now(),
    );

  async function tellAll(): Promise<void> {
    if (viewers.size === 0) return;
    const present = await written();
    for (const viewer of viewers) tell(viewer, present);
  }

  function takeSample(): void {
    const values = source.sample?.();
    if (values) samples = [...samples.slice(1 - mostSamples), { at: Date.now(), values }];
  }

  return {
    get followers() {
      return viewers.size;
    },
    follow: async (viewer, signal) => {
      viewers.add(viewer);
      signal.addEventListener('abort', () => {
        viewers.delete(viewer);
        lastWatched = performance.now();
      });
      wanted.set();
      const present = await written();
      if (!signal.aborted) tell(viewer, present);
    },
    tellOnce: async (viewer) => {
      lastWatched = performance.now();
      tell(viewer, await written());
      wanted.set();
    },
    run: async (signal) => {
      const every = (interval: number, work: () => Promise<void> | void) =>
        repeat({ interval, work, isWatched, log }, signal);
      for await (const _ of wanted.values(signal)) {
        await Promise.all([
          every(view, tellAll),
          every(measure, async () => source.measure?.(signal)),
          every(sample, takeSample),
        ]);
        samples = [];
      }
    },
  };
}

interface Repeated {
  readonly interval: number;
  work(): Promise<void> | void;
  isWatched(): boolean;
  readonly log: Log;
}

/** Repeats a piece of work while there are viewers; what fails is logged once in a row and tried again. */
async function repeat(
  { interval, work, isWatched, log }: Repeated,
  signal: AbortSignal,
): Promise<void> {
  let lastReason = '';
  while (!signal.aborted && isWatched()) {
    const start = performance.now();
    try {
      await work();
      lastReason = '';
    } catch (error) {
      if (lastReason !== messageOf(error)) log.warn({ err: error }, 'cannot show all on the page');
      lastReason = messageOf(error);
    }
    const took = performance.now() - start;
    const pause = Math.max(interval - took, took / share);
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
}
