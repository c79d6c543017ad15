import { randomUUID } from 'node:crypto';
import { mkdir, rm, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';

import { hasCode, type Log, messageOf, readRegularText, writeFileAtomic } from '@smartstack/daemon';

import { encodeInstance, type Instance } from '../instance/instance.ts';
import { keepRefreshed } from '../refresh.ts';
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
  const write = () => writeRecord(file, withOwner(current, owner));
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

function keepTouched(
  { file, touchInterval, log }: FileAnnouncementOptions,
  write: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const fix = 'let this account write there, and see that there is room';
  return keepRefreshed(
    {
      interval: touchInterval,
      refresh: () => touch(file, write),
      onFailing: (error) =>
        log.error({ file, reason: messageOf(error), fix }, 'cannot touch announcement file'),
      onRecovered: () => log.info({ file }, 'announcement file is touched again'),
    },
    signal,
  );
}

/** Uses this process's clock, not the file server's, since readers compare it with their own. */
async function touch(file: string, write: () => Promise<void>): Promise<void> {
  const now = new Date();
  try {
    await utimes(file, now, now);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    await write();
  }
}

async function writeRecord(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  // After a crash of the machine it would be too old anyway.
  await writeFileAtomic(file, content, 0o644, { isDurable: false });
}

function withOwner(instance: Instance, owner: string): string {
  const wire = JSON.parse(encodeInstance(instance).toString()) as Record<string, unknown>;
  return `${JSON.stringify({ ...wire, owner })}\n`;
}

/** The file's owner; undefined where it is gone or not an announcement. Rejects when it cannot be read. */
async function ownerOf(file: string): Promise<unknown> {
  try {
    const text = await readRegularText(file, { limit: 1_048_576 });
    return (JSON.parse(text) as { owner?: unknown }).owner;
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
