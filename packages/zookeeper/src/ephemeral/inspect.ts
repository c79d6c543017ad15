import { orGone } from '../error.ts';
import type { SessionContext } from '../session/context.ts';
import { exists, get } from '../wire/reads.ts';
import type { Current } from './current.ts';

/** Who owns a node: this session, a previous one, or another; or there is none. */
export type Finding = 'ours' | 'stale' | 'foreign' | 'gone';

export interface Inspection {
  readonly context: SessionContext;
  readonly current: Current;
  readonly path: string;
}

/** Looks at a node and leaves a watch there; one of this session becomes current. */
export async function inspectNode(inspection: Inspection, signal: AbortSignal): Promise<Finding> {
  const { current, path } = inspection;
  const { identity } = inspection.context;
  const found = await read(inspection, signal);
  if (!found) return 'gone';
  const owner = found.stat.ephemeralOwner;
  if (owner !== identity.id()) return identity.isPrevious(owner) ? 'stale' : 'foreign';
  current.set({ path, owner, data: found.data });
  return 'ours';
}

/** Reads data that is not known, so that equal data is not written again. */
async function read({ context, current, path }: Inspection, signal: AbortSignal) {
  const { submit } = context.operations;
  const options = { watch: true, kind: 'urgent' } as const;
  const known = current.node?.path === path ? current.node.data : undefined;
  if (known) {
    const stat = await submit(exists(path, options), { signal });
    return stat && { data: known, stat };
  }
  return orGone(submit(get(path, options), { signal }), undefined);
}
