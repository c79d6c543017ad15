import type { Meters } from './metrics.ts';
import { resourceTypes } from './resource.ts';
import type { Stream } from './transport/stream.ts';

/** Keeps the gauges of all streams; what one stream does costs the same however many there are. */
export interface Tally {
  /** Looks at one stream; answers whether it has just confirmed, or refused, the last of what it asked for. */
  note(stream: Stream): boolean;
  drop(stream: Stream): void;
}

interface Seen {
  readonly isSettled: boolean;
  readonly notInStep: number;
  readonly rejected: number;
}

export function createTally(meters: Pick<Meters, 'streams' | 'notInStep' | 'rejected'>): Tally {
  const all = new Map<Stream, Seen>();

  function set(stream: Stream, seen: Seen | undefined): Seen | undefined {
    const before = all.get(stream);
    const notInStep = (seen?.notInStep ?? 0) - (before?.notInStep ?? 0);
    const rejected = (seen?.rejected ?? 0) - (before?.rejected ?? 0);
    const streams = (seen ? 1 : 0) - (before ? 1 : 0);
    if (notInStep !== 0) meters.notInStep.inc(notInStep);
    if (rejected !== 0) meters.rejected.inc(rejected);
    if (streams !== 0) meters.streams.inc({ protocol: stream.protocol }, streams);
    if (seen) all.set(stream, seen);
    else all.delete(stream);
    return before;
  }

  return {
    note: (stream) => {
      const { channels, isSettled } = stream.state;
      const counts = resourceTypes.map((type) => channels[type].rejected.size);
      const rejected = counts.reduce((sum, one) => sum + one, 0);
      const notInStep = isSettled && rejected === 0 ? 0 : 1;
      const before = set(stream, { isSettled, notInStep, rejected });
      return isSettled && before?.isSettled === false;
    },
    drop: (stream) => {
      set(stream, undefined);
    },
  };
}
