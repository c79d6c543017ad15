import { join } from 'node:path';

import { UserError } from '@smartstack/daemon';
import { givenBySystemd } from '@smartstack/proxy';

import type { AdminPlace } from '../admin/client.ts';

/** An Envoy that synapse runs, or whose bootstrap it writes. Times are in milliseconds. */
export interface EnvoyOptions {
  /** The program: a path, or a name that PATH has. */
  readonly binary: string;
  /** Where everything of it stands; absolute, since Envoy outlives the folder that synapse was started in. */
  readonly directory: string;
  /** Where it listens for us. */
  readonly admin: AdminPlace;
  /** The UNIX socket of synapse's xDS server. */
  readonly xds: string;
  /** What it is called there. */
  readonly node: { readonly id: string; readonly cluster: string };
  /** How many threads serve; as many as there are cores where it is not said. */
  readonly concurrency?: number | undefined;
  readonly logLevel: string;
  /** How long connections may go on at an Envoy that is replaced or stopped. */
  readonly drainTime: number;
  readonly onExit: 'keep' | 'stop';
  /** Whether a service manager starts and ends it. */
  readonly supervised: boolean;
  /** How long a start may take until its admin interface answers. */
  readonly startTimeout: number;
}

export interface EnvoyPaths {
  readonly directory: string;
  readonly bootstrap: string;
  /** The process that runs, for the next synapse. */
  readonly state: string;
  readonly lock: string;
  readonly log: string;
  /** Where Envoy writes which members it ejects. */
  readonly ejections: string;
  /** The beginning of the paths of the sockets by which one Envoy hands over to the next. */
  readonly hotRestart: string;
}

export function envoyPaths({ directory, admin, xds }: EnvoyOptions): EnvoyPaths {
  const hotRestart = join(directory, 'hot');
  const longest = [`${hotRestart}_udp_parent_1234567890`, xds, 'path' in admin ? admin.path : ''];
  for (const path of longest)
    if (path.length > 107)
      throw new UserError(
        `cannot use ${path}: too long for a socket's path; choose a shorter envoy.run_directory`,
      );
  return {
    directory,
    bootstrap: join(directory, 'envoy.json'),
    state: join(directory, 'envoy.state.json'),
    lock: join(directory, 'envoy.lock'),
    log: join(givenBySystemd('LOGS_DIRECTORY') ?? directory, 'envoy.log'),
    ejections: join(directory, 'envoy-ejections.log'),
    hotRestart,
  };
}
