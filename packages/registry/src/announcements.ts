import type { Announcement } from './registry.ts';

/** The present announcements, to be withdrawn together. */
export interface Announcements extends AsyncDisposable {
  /** The announcement, counted among these until it is withdrawn. */
  add(announcement: Announcement): Announcement;
}

/** Disposes of all, also where some fail, and rejects once all have ended. */
export async function disposeAll(all: Iterable<AsyncDisposable>): Promise<void> {
  const ends = [...all].map(async (each) => each[Symbol.asyncDispose]());
  await Promise.allSettled(ends);
  await Promise.all(ends);
}

/** Starts with none; disposing withdraws all, and rejects if one could not be withdrawn. */
export function createAnnouncements(): Announcements {
  const present = new Set<Announcement>();
  return {
    add: (announcement) => {
      present.add(announcement);
      return {
        update: announcement.update,
        [Symbol.asyncDispose]: async () => {
          present.delete(announcement);
          await announcement[Symbol.asyncDispose]();
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      await disposeAll(present);
    },
  };
}
