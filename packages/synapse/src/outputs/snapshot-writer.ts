import { createDue, type Output, type Snapshot } from '@smartstack/proxy';
import { type SavedServices, savedOf, writeSnapshotFile } from './snapshot-file.ts';

/** The least time between two writes, in milliseconds. */
const pace = 1_000;

/**
 * Keeps the snapshot on disk in step with what is served, at its end at the latest. A service without an answer keeps
 * its saved members.
 */
export function createSnapshotWriter(path: string, before: SavedServices): Output {
  const due = createDue();
  let saved = before;
  let written: string | undefined;
  let next = Number.NEGATIVE_INFINITY;

  /** Whether it was another one. */
  async function write(): Promise<boolean> {
    const text = JSON.stringify([...saved]);
    if (text === written) return false;
    await writeSnapshotFile(path, saved);
    written = text;
    next = performance.now() + pace;
    return true;
  }

  return {
    name: 'snapshot',
    auxiliary: true,
    apply: async (snapshot) => {
      due.collect();
      try {
        saved = withSnapshot(saved, snapshot);
        if (performance.now() >= next) return (await write()) ? 'updated' : 'unchanged';
        due.at('written', next);
        return 'unchanged';
      } finally {
        due.attended();
      }
    },
    wakes: due.wakes,
    status: () => ({ path, services: saved.size }),
    [Symbol.asyncDispose]: async () => {
      if (written !== undefined) await write();
    },
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
