import { numberOf } from '../admin/server-info.ts';
import type { Bootstrap } from './bootstrap.ts';
import type { EnvoyPaths } from './options.ts';
import type { Tracked } from './tracked.ts';

export interface Supervised {
  readonly tracked: Tracked;
  readonly paths: EnvoyPaths;
  readonly bootstrap: Bootstrap;
  /** What the service manager starts. */
  readonly command: string;
}

/**
 * What is to be said of an Envoy that a service manager starts and ends; undefined where it runs our file. Rejects where
 * it does not run.
 */
export async function supervise(
  { tracked, paths, bootstrap, command }: Supervised,
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = await tracked.find(signal);
  if (!found?.info)
    throw new Error(
      `Envoy does not answer at its admin interface: start its service, which is to run ${command}`,
    );
  const { bootstrap: running, version } = found.info;
  if (running === bootstrap.id) return undefined;
  const what = running === undefined ? 'another file' : 'an older one';
  return `Envoy ${numberOf(version)} runs ${what} than ${paths.bootstrap} is now: restart its service`;
}
