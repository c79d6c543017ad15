import { type Log, messageOf } from '@smartstack/daemon';

export interface TroubleDeps {
  /** Where the service is announced. */
  readonly path: string;
  readonly log: Log;
  /** Called with the reason each time the registry fails at what is to be done, and with undefined once that is done. */
  onTrouble?(reason: string | undefined): void;
}

/** Reports what fails at a registry: every failure to `onTrouble`, to the log only when the reason has changed. */
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
