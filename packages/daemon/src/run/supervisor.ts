import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { messageOf } from '../error.ts';
import type { Log } from '../logs/log.ts';

/** What a daemon reports to its service manager. */
export interface Life {
  /** Whether it is ready. */
  ready(): boolean;
  /** Whether nothing in it is stuck. */
  works(): boolean;
  readonly log: Log;
  /** How long it may take to become ready before it counts as started anyway, in milliseconds. Default 20,000. */
  readonly patience?: number;
}

const run = promisify(execFile);

/**
 * Tells systemd (`Type=notify`, `WatchdogSec=`; sd_notify(3)) that this daemon is ready, and then, for as
 * long as it works, that it is alive. Resolves when aborted, and at once without a service manager; never
 * rejects. Child processes do not inherit the notification socket.
 */
export async function tellSupervisor(life: Life, signal: AbortSignal): Promise<void> {
  const { NOTIFY_SOCKET, WATCHDOG_PID, WATCHDOG_USEC } = process.env;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_PID', 'WATCHDOG_USEC']) delete process.env[name];
  if (NOTIFY_SOCKET === undefined) return;
  const tell = notifierTo(NOTIFY_SOCKET, life.log);
  try {
    const isReady = await becomeReady(life, signal);
    await tell('--ready', `--status=${isReady ? 'ready' : 'started, and not ready yet'}`);
    const isMeant = WATCHDOG_PID === undefined || WATCHDOG_PID === `${process.pid}`;
    if (isMeant && Number(WATCHDOG_USEC) > 0)
      await feedWatchdog(life, tell, Number(WATCHDOG_USEC) / 1_000, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

type Tell = (...words: readonly string[]) => Promise<void>;

/** Node.js has no UNIX datagram sockets; systemd's own program has. */
function notifierTo(socket: string, log: Log): Tell {
  let isTold = true;
  return async (...words) => {
    try {
      const env = { PATH: process.env.PATH, NOTIFY_SOCKET: socket };
      await run('systemd-notify', words, { env, timeout: 10_000 });
      isTold = true;
    } catch (error) {
      if (isTold)
        log.error(
          {
            reason: messageOf(error),
            fix: 'see that systemd-notify can be run, or set Type=simple and no WatchdogSec in the unit',
          },
          'cannot tell systemd',
        );
      isTold = false;
    }
  };
}

/** Waits until the daemon is ready, but no longer than its patience; resolves to whether it is. */
async function becomeReady({ ready, patience = 20_000 }: Life, signal: AbortSignal) {
  const deadline = performance.now() + patience;
  while (!ready()) {
    if (performance.now() > deadline) return false;
    await sleep(50, undefined, { signal });
  }
  return true;
}

/** Notifies three times per watchdog period while the daemon works; `period` is in milliseconds. */
async function feedWatchdog(
  { works, log }: Life,
  tell: Tell,
  period: number,
  signal: AbortSignal,
): Promise<void> {
  for (let worked = true; ; await sleep(period / 3, undefined, { signal })) {
    const isWorking = works();
    if (isWorking) await tell('WATCHDOG=1');
    else if (worked) log.error('stuck: systemd is no longer told that this daemon lives');
    worked = isWorking;
  }
}
