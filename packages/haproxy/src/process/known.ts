import { startOf } from '@smartstack/proxy';

/** A process, which its number alone does not tell: that is used again. */
export interface Known {
  readonly pid: number;
  readonly start: string | undefined;
}

export const knownOf = (pid: number): Known => ({ pid, start: startOf(pid) });

export const isSame = ({ pid, start }: Known): boolean => startOf(pid) === start;
