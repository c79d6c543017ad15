import { randomUUID } from 'node:crypto';
import { mkdir, rm, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { hasCode, type Log, messageOf, readRegularText, writeFileAtomic } from '@smartstack/daemon';

import { encodeInstance, type Instance } from '../instance/instance.ts';
import type { Announcement } from '../registry.ts';

export interface FileAnnouncementOptions {
  readonly file: string;
  /** How often the file is touched, in milliseconds. */
  readonly touchInterval: number;
  readonly log: Log;
}

/** Writes the file, then touches it (or writes it again, should it be gone) until disposed of. */
export async function announceFile(
  instance: Instance,
  { file, touchInterval, log }: FileAnnouncementOptions,
  signal: AbortSignal,
): Promise<Announcement> {
  const owner = randomUUID();
  let current = instance;
  const write = async () => {
    await mkdir(dirname(file), { recursive: true });
    await writeFileAtomic(file, withOwner(current, owner));
  };
  signal.throwIfAborted();
  await write();
  const stop = new AbortController();
  const kept = keepTouched({ file, touchInterval, log }, write, stop.signal);
  return {
    update: async (next) => {
      current = next;
      await write();
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await kept;
      if ((await ownerOf(file)) === owner) await rm(file, { force: true });
    },
  };
}

async function keepTouched(
  { file, touchInterval, log }: FileAnnouncementOptions,
  write: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let failing = false;
  while (await slept(touchInterval, signal)) {
    try {
      await touch(file, write);
      if (failing) log.info({ file }, 'announcement file is touched again');
      failing = false;
    } catch (error) {
      if (!failing)
        log.error(
          {
            file,
            reason: messageOf(error),
            fix: 'let this account write there, and see that there is room',
          },
          'cannot touch announcement file',
        );
      failing = true;
    }
  }
}

/** The time is this process's own, not the file server's, as readers compare it with theirs. */
async function touch(file: string, write: () => Promise<void>): Promise<void> {
  const now = new Date();
  try {
    await utimes(file, now, now);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    await write();
  }
}

async function slept(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  return sleep(milliseconds, true, { signal }).catch(() => false);
}

function withOwner(instance: Instance, owner: string): string {
  const wire = JSON.parse(encodeInstance(instance).toString()) as Record<string, unknown>;
  return `${JSON.stringify({ ...wire, owner })}\n`;
}

/** Who wrote it; undefined where it is gone or another one's. Rejects when that cannot be told. */
async function ownerOf(file: string): Promise<unknown> {
  try {
    const text = await readRegularText(file, { limit: 1_048_576 });
    return (JSON.parse(text) as { owner?: unknown }).owner;
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
