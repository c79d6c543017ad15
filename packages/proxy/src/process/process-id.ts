import { startOf } from './lock.ts';

/** A process by its pid and start time: pids are used again. */
export interface ProcessId {
  readonly pid: number;
  /** When it started; undefined where it had ended by then. */
  readonly start: string | undefined;
}

export const processIdOf = (pid: number): ProcessId => ({ pid, start: startOf(pid) });

/** Whether it still runs; one that had ended when it was looked up does not. */
export const isRunning = ({ pid, start }: ProcessId): boolean =>
  start !== undefined && startOf(pid) === start;
