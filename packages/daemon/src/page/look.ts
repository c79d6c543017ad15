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
  /** What is to be seen now; asked several times a second while somebody looks. */
  view(): PageView | Promise<PageView>;
  /** Looks at what changes all the time; asked twice a second while somebody looks. */
  measure?(signal: AbortSignal): Promise<void>;
  /** The numbers to plot since the last call, by service; undefined when there are none. */
  sample?(): PageSample['values'] | undefined;
}

/** Someone who is told what is new. */
export interface Viewer {
  tell(present: Omit<Present, 'view'>, written: Written, now: number): void;
}

/** Looks at a daemon for as long as somebody watches, and costs nothing else. */
export interface Look {
  /** Tells a viewer at once, and from then on until the signal aborts; rejects where nothing can be told. */
  show(viewer: Viewer, signal: AbortSignal): Promise<void>;
  /** Tells a viewer once; who asks so again within some seconds counts as watching. */
  glance(viewer: Viewer): Promise<void>;
  readonly watching: number;
  /** Works until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface LookTimes {
  /** Milliseconds between two looks at what is to be seen, at measures and at what is plotted. */
  readonly view: number;
  readonly measure: number;
  readonly sample: number;
  /** How long samples are kept, and gathered on, after the last viewer went. */
  readonly linger: number;
}

const usual: LookTimes = { view: 200, measure: 500, sample: 1000, linger: 10_000 };
/** Five minutes of samples. */
const mostSamples = 300;
/** Looking may take this part of the time: what is large is looked at less often. */
const share = 1 / 10;

export function createLook(source: PageSource, log: Log, times: Partial<LookTimes> = {}): Look {
  const { view, measure, sample, linger } = { ...usual, ...times };
  const viewers = new Set<Viewer>();
  const wanted = createLatest<void>();
  let samples: readonly PageSample[] = [];
  let lastWatched = 0;
  let writing: Promise<Written> | undefined;

  const isWatched = () => viewers.size > 0 || performance.now() - lastWatched < linger;

  /** What is to be seen, as text; whoever asks meanwhile is told the same. */
  function written(): Promise<Written> {
    writing ??= writeNow().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  const writeNow = async () => writeView(await source.view());

  const told = (viewer: Viewer, written: Written) =>
    viewer.tell(
      { about: source.about, events: source.journal.after(0), samples },
      written,
      Date.now(),
    );

  /** Does a piece of work again and again while somebody watches; what fails is said once and tried again. */
  async function often(
    interval: number,
    work: () => Promise<void> | void,
    signal: AbortSignal,
  ): Promise<void> {
    let complaint = '';
    while (!signal.aborted && isWatched()) {
      const start = performance.now();
      try {
        await work();
        complaint = '';
      } catch (error) {
        if (complaint !== messageOf(error)) log.warn({ err: error }, 'cannot show all on the page');
        complaint = messageOf(error);
      }
      const took = performance.now() - start;
      const pause = Math.max(interval - took, took / share);
      await sleep(pause, undefined, { signal }).catch(() => {});
    }
  }

  async function tellAll(): Promise<void> {
    if (viewers.size === 0) return;
    const present = await written();
    for (const viewer of viewers) told(viewer, present);
  }

  function takeSample(): void {
    const values = source.sample?.();
    if (values) samples = [...samples.slice(1 - mostSamples), { at: Date.now(), values }];
  }

  return {
    get watching() {
      return viewers.size;
    },
    show: async (viewer, signal) => {
      viewers.add(viewer);
      signal.addEventListener('abort', () => {
        viewers.delete(viewer);
        lastWatched = performance.now();
      });
      wanted.set();
      const present = await written();
      if (!signal.aborted) told(viewer, present);
    },
    glance: async (viewer) => {
      lastWatched = performance.now();
      told(viewer, await written());
      wanted.set();
    },
    run: async (signal) => {
      for await (const _ of wanted.values(signal)) {
        await Promise.all([
          often(view, tellAll, signal),
          often(measure, async () => source.measure?.(signal), signal),
          often(sample, takeSample, signal),
        ]);
        samples = [];
      }
    },
  };
}
