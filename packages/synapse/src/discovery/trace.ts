import type { Instance } from '@smartstack/registry';

import type { Discovery } from './discovery.ts';

/** A service's list after each step of its pipeline; for `explain`. */
export interface Trace {
  /** The discovery, whose lists are noted under the step's name. */
  through(step: string, discovery: Discovery): Discovery;
  /** The newest list behind a step; undefined before its first. */
  at(step: string): readonly Instance[] | undefined;
  /** Notes the newest list of one of several parts. */
  found(part: string, list: readonly Instance[]): void;
  /** The newest list of each part that answered, of a discovery that has several. */
  parts(): ReadonlyMap<string, readonly Instance[]>;
  /** Notes why a part of the discovery cannot be asked; undefined for no more. `''` is the whole. */
  note(reason: string | undefined, part?: string): void;
  /** Notes how to ask when a part's registry did not answer last. */
  health(lastUnhealthy: () => number | undefined, part?: string): void;
  /** Whether a part's registry does not answer now, as far as it was noted how to ask it. */
  isAway(part: string): boolean;
  /** Why parts of the discovery cannot be asked now. */
  troubles(): readonly Trouble[];
}

/** Why a part of a discovery does not answer; its last answer stands. */
export interface Trouble {
  /** Which part; `''` for the whole discovery. */
  readonly part: string;
  readonly reason: string;
}

/** In milliseconds. */
const recent = 100;

export function createTrace(): Trace {
  const lists = new Map<string, readonly Instance[]>();
  const parts = new Map<string, readonly Instance[]>();
  const troubles = new Map<string, string>();
  const healths = new Map<string, () => number | undefined>();
  return {
    found: (part, list) => void parts.set(part, list),
    parts: () => parts,
    note: (reason, part = '') => {
      if (reason === undefined) troubles.delete(part);
      else troubles.set(part, reason);
    },
    health: (lastUnhealthy, part = '') => void healths.set(part, lastUnhealthy),
    // While it does not answer, its last failure is always recent.
    isAway: (part) => performance.now() - (healths.get(part)?.() ?? -recent) < recent,
    troubles: () => [...troubles].map(([part, reason]) => ({ part, reason })),
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

/** Why a service or a part of its discovery cannot be followed, in one line; undefined where all can. */
export function troubleOf(
  failure: string | undefined,
  trace: Pick<Trace, 'troubles'> | undefined,
): string | undefined {
  const parts = (trace?.troubles() ?? []).map(({ part, reason }) =>
    part === '' ? reason : `${part}: ${reason}`,
  );
  const all = new Set([...(failure === undefined ? [] : [failure]), ...parts]);
  return all.size === 0 ? undefined : [...all].join('; ');
}
