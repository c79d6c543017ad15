import type { Instance } from '@smartstack/registry';

import type { Discovery } from './discovery.ts';

/** What a service's list was behind each step of its pipeline; for `explain`. */
export interface Trace {
  /** The discovery, whose lists are noted under the step's name. */
  through(step: string, discovery: Discovery): Discovery;
  /** The newest list behind a step; undefined before its first. */
  at(step: string): readonly Instance[] | undefined;
}

export function createTrace(): Trace {
  const lists = new Map<string, readonly Instance[]>();
  return {
    at: (step) => lists.get(step),
    through: (step, discovery) =>
      async function* (signal) {
        for await (const list of discovery(signal)) {
          lists.set(step, list);
          yield list;
        }
      },
  };
}
