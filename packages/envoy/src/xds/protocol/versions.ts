import { createHash } from 'node:crypto';

import type { Resource } from '../resource.ts';

const known = new WeakMap<ReadonlyMap<string, Resource>, string>();

/** The version of all resources of one type, computed once for each set. */
export function versionOfAll(resources: ReadonlyMap<string, Resource>): string {
  const version = known.get(resources) ?? versionOf(resources.values());
  known.set(resources, version);
  return version;
}

/** A version by content: the same for the same resources, whatever their order. */
export function versionOf(resources: Iterable<Resource>): string {
  const lines = Array.from(resources, ({ name, version }) => `${name}\0${version}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('base64url').slice(0, 16);
}
