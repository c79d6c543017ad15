import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { allowFile, needsLua, type PolicyFiles } from '../policy/files.ts';
import type { Part } from '../render/layout.ts';

/**
 * Removes the files of policies that no line of these parts names: those of services that are gone, and of words that
 * are not said any more. To be done once HAProxy runs these parts. What cannot be removed stays; never rejects.
 */
export async function removeStale(files: PolicyFiles, parts: readonly Part[]): Promise<void> {
  const named = namedBy(files, parts);
  const folder = dirname(files.map);
  const isOurs = (path: string) =>
    path === files.map || path === files.lua || path.startsWith(files.allow);
  const names = await readdir(folder).catch(() => []);
  const stale = names.map((name) => join(folder, name)).filter((path) => isOurs(path));
  for (const path of stale)
    if (!named.has(basename(path))) await rm(path, { force: true }).catch(() => {});
}

/** The names of the files that lines of these parts name. */
function namedBy(files: PolicyFiles, parts: readonly Part[]): ReadonlySet<string> {
  const all = parts.flatMap(({ config: { traffic } }) => (traffic?.front ? [traffic] : []));
  return new Set(
    [
      ...(all.length > 0 ? [files.map] : []),
      ...(all.some(needsLua) && files.lua !== undefined ? [files.lua] : []),
      ...all.filter(({ policy }) => policy.allow).map(({ service }) => allowFile(files, service)),
    ].map((path) => basename(path)),
  );
}
