import type { PageEvent } from './model.ts';

/** What happened lately. */
export interface Journal {
  add(event: Omit<PageEvent, 'id' | 'at'>): void;
  /** The events after the one with this id, oldest first; all that are kept for 0. */
  after(id: number): readonly PageEvent[];
}

const longestText = 500;

/** A journal that keeps the last `capacity` events, of at most 500 letters each. */
export function createJournal(capacity = 200, clock: () => number = Date.now): Journal {
  let events: PageEvent[] = [];
  let id = 0;
  return {
    add: (event) => {
      id += 1;
      const text = event.text.slice(0, longestText);
      events.push({ ...event, text, id, at: clock() });
      if (events.length >= 2 * capacity) events = events.slice(-capacity);
    },
    after: (known) => events.slice(-capacity).filter((event) => event.id > known),
  };
}
