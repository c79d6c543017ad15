import { join, resolve } from 'node:path';

import { defaultRunDirectory, givenBySystemd } from '@smartstack/proxy';
import type { HaproxyConfig } from '../config/config.ts';

/** Paths; absolute, because HAProxy outlives the folder that synapse was started in. */
export interface Paths {
  /** The file that HAProxy runs; undefined when synapse writes none. */
  readonly config: string | undefined;
  readonly candidate: string | undefined;
  /** synapse's state file, for the next synapse; undefined for none. */
  readonly state: string | undefined;
  /** Stats sockets, each told every change. */
  readonly sockets: readonly string[];
}

/** Further paths of a managed HAProxy. */
export interface ManagedPaths extends Paths {
  readonly config: string;
  readonly candidate: string;
  readonly directory: string;
  readonly master: string;
  readonly lock: string;
  readonly log: string;
  /** The pid of the master that runs. */
  readonly pid: string;
  readonly serversState: string;
}

export function managedPaths(config: HaproxyConfig): ManagedPaths {
  const directory = resolve(config.run_directory ?? defaultRunDirectory());
  const file = resolve(config.config_file_path ?? join(directory, 'haproxy.cfg'));
  const sockets = [config.socket_file_path ?? join(directory, 'haproxy.sock')].flat();
  return {
    directory,
    config: file,
    candidate: resolve(config.candidate_config_file_path ?? `${file}.candidate`),
    sockets: sockets.map((path) => resolve(path)),
    master: join(directory, 'master.sock'),
    lock: join(directory, 'synapse.lock'),
    log: join(givenBySystemd('LOGS_DIRECTORY') ?? directory, 'haproxy.log'),
    pid: join(directory, 'haproxy.pid'),
    serversState: join(directory, 'servers.state'),
    state: resolve(config.state_file_path ?? join(directory, 'synapse.state.json')),
  };
}

export function externalPaths(config: HaproxyConfig): Paths {
  const file = config.config_file_path;
  const state = config.state_file_path;
  return {
    state: state === undefined ? undefined : resolve(state),
    config: config.do_writes && file !== undefined ? resolve(file) : undefined,
    candidate:
      file === undefined
        ? undefined
        : resolve(config.candidate_config_file_path ?? `${file}.candidate`),
    sockets: config.do_socket
      ? [config.socket_file_path ?? []].flat().map((path) => resolve(path))
      : [],
  };
}
