import { type Log, messageOf } from '@smartstack/daemon';

export interface TroubleDeps {
  /** Where the service is announced. */
  readonly path: string;
  readonly log: Log;
  /** Called with the reason of each failure of a pending change, and with undefined once it succeeded. */
  onTrouble?(reason: string | undefined): void;
}

/** Reports failures at a registry: each one to `onTrouble`, and to the log when the reason has changed. */
export interface Trouble {
  report(error: unknown): void;
  over(): void;
}

/** Creates the reports of one kind of failure. */
export function createTrouble(
  message: string,
  fix: string,
  { path, log, onTrouble }: TroubleDeps,
): Trouble {
  let last: string | undefined;
  return {
    report: (error) => {
      const reason = messageOf(error);
      if (reason !== last) log.error({ path, reason, fix }, message);
      last = reason;
      onTrouble?.(`${message}: ${reason}`);
    },
    over: () => {
      last = undefined;
      onTrouble?.(undefined);
    },
  };
}
