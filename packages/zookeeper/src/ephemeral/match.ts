import type { EphemeralOptions } from '../contract.ts';

/** Whether a path is one that an ephemeral's node can have; a sequential one's ends in any number. */
export function isPathOf({ path: wanted, sequential }: EphemeralOptions, path: string): boolean {
  if (!sequential) return path === wanted;
  return path.startsWith(wanted) && /^-?\d{10}$/.test(path.slice(wanted.length));
}

/**
 * Whether a node at such a path is an ephemeral's, by the data in it. Several sequential nodes can have one
 * name; `otherwise` holds where neither the data nor `isSame` decides.
 */
export function isDataOf(node: EphemeralOptions, data: Buffer, otherwise = false): boolean {
  return !node.sequential || data.equals(node.data) || (node.isSame?.(data) ?? otherwise);
}
