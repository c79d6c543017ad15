import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

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
  const directory = resolve(config.run_directory ?? defaultDirectory());
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

function defaultDirectory(): string {
  const given = givenBySystemd('RUNTIME_DIRECTORY');
  if (given !== undefined) return given;
  if (process.getuid?.() === 0) return '/run/synapse';
  return join(
    process.env.XDG_RUNTIME_DIR ?? join(tmpdir(), `synapse-${userInfo().uid}`),
    'synapse',
  );
}

/** The folder that systemd gives a unit; the first, where there are several. */
function givenBySystemd(name: 'RUNTIME_DIRECTORY' | 'LOGS_DIRECTORY'): string | undefined {
  return process.env[name]?.split(':', 1)[0] || undefined;
}
