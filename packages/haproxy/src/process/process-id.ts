import { startOf } from '@smartstack/proxy';

/** A process, which its number alone does not tell: that is used again. */
export interface ProcessId {
  readonly pid: number;
  readonly start: string | undefined;
}

export const processIdOf = (pid: number): ProcessId => ({ pid, start: startOf(pid) });

export const isRunning = ({ pid, start }: ProcessId): boolean => startOf(pid) === start;
