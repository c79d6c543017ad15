import { utimes, writeFile } from 'node:fs/promises';

import { hasCode, type Log, messageOf } from '@smartstack/daemon';

import { createSchedule } from './health/schedule.ts';

/** Touches a file every 5 seconds until aborted, so that others can see that this process works. */
export async function keepHeartbeat(path: string, log: Log, signal: AbortSignal): Promise<void> {
  let failing = false;
  const tick = async () => {
    try {
      await touch(path);
      failing = false;
    } catch (error) {
      if (!failing)
        log.error(
          {
            path,
            reason: messageOf(error),
            fix: 'make the folder of heartbeat_path, and let this account write there',
          },
          'cannot touch heartbeat file',
        );
      failing = true;
    }
  };
  await createSchedule().every(5000, 0, tick, signal);
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  try {
    await utimes(path, now, now);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    await writeFile(path, '');
  }
}
