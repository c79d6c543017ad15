import { setTimeout as sleep } from 'node:timers/promises';
import type { Output, Snapshot } from '@smartstack/proxy';
import { type SavedServices, savedOf, writeSnapshotFile } from './snapshot-file.ts';

/** The least time between two writes, in milliseconds. */
const pace = 1_000;

/**
 * Keeps the snapshot on disk in step with what is served. A service without an answer keeps its saved
 * members.
 */
export function createSnapshotWriter(path: string, before: SavedServices): Output {
  let saved = before;
  let written: string | undefined;
  return {
    name: 'snapshot',
    auxiliary: true,
    apply: async (snapshot, signal) => {
      saved = withSnapshot(saved, snapshot);
      const text = JSON.stringify([...saved]);
      if (text === written) return 'unchanged';
      await writeSnapshotFile(path, saved);
      written = text;
      await sleep(pace, undefined, { signal }).catch(() => {});
      return 'updated';
    },
    wakes: async function* () {},
    status: () => ({ path, services: saved.size }),
    [Symbol.asyncDispose]: async () => {},
  };
}

function withSnapshot(saved: SavedServices, snapshot: Snapshot): SavedServices {
  return new Map(
    [...snapshot].flatMap(([name, service]) => {
      const now = savedOf(service) ?? saved.get(name);
      return now ? [[name, now]] : [];
    }),
  );
}
