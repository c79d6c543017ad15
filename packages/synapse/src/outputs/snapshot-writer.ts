import { setTimeout as sleep } from 'node:timers/promises';
import type { Output, Snapshot } from '@smartstack/proxy';
import { type SavedService, type SavedServices, writeSnapshotFile } from './snapshot-file.ts';

/** The least time between two writes, in milliseconds. */
const pace = 1_000;

/**
 * Keeps the snapshot on disk in step with what is served. A service that was not heard keeps what was
 * remembered of it.
 */
export function createSnapshotWriter(path: string, before: SavedServices): Output {
  let memory = before;
  let written: string | undefined;
  return {
    name: 'snapshot',
    auxiliary: true,
    apply: async (snapshot, signal) => {
      memory = remember(memory, snapshot);
      const text = JSON.stringify([...memory]);
      if (text === written) return 'unchanged';
      await writeSnapshotFile(path, memory);
      written = text;
      await sleep(pace, undefined, { signal }).catch(() => {});
      return 'updated';
    },
    wakes: async function* () {},
    status: () => ({ path, services: memory.size }),
    [Symbol.asyncDispose]: async () => {},
  };
}

function remember(memory: SavedServices, snapshot: Snapshot): SavedServices {
  return new Map(
    [...snapshot].flatMap(([name, { instances, identity = '' }]): [string, SavedService][] => {
      const before = memory.get(name);
      if (instances) return [[name, { identity, instances }]];
      return before ? [[name, before]] : [];
    }),
  );
}
