import type { Running } from '../process/loader.ts';
import type { Layout } from '../render/layout.ts';

/** Why the file must be loaded, by what asks for it; empty when it need not. */
export type Reasons = ReadonlyMap<string, string>;

export interface ReasonsInput {
  readonly running: Running | undefined;
  readonly wanted: Layout;
  /** What services asked for since the last load. */
  readonly asked: Reasons;
  /** Whether there is no stats socket, and the members in the file are not those desired. */
  readonly isBehind: boolean;
}

/** `shape` and `members` are the driver's own reasons; others go by their service's name. */
export function reloadReasons({ running, wanted, asked, isBehind }: ReasonsInput): Reasons {
  const reasons = new Map(asked);
  reasons.delete('shape');
  reasons.delete('members');
  if (!running) reasons.set('shape', 'haproxy does not run');
  else if (running.shape !== wanted.shape) reasons.set('shape', 'sections changed');
  if (isBehind) reasons.set('members', 'do_socket is false');
  return reasons;
}
