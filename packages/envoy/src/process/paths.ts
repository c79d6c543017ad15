import { hostname } from 'node:os';
import { join, resolve } from 'node:path';

import { defaultRunDirectory } from '@smartstack/proxy';

import type { AdminPlace } from '../admin/client.ts';
import type { EnvoyConfig } from '../config/config.ts';
import type { EnvoyOptions } from './options.ts';

/** How long a start may take until Envoy's admin interface answers, in milliseconds. */
const startTimeout = 15_000;

/** The folder of everything that belongs to Envoy; absolute, because it outlives the folder that synapse was started in. */
const directoryOf = ({ run_directory: own }: EnvoyConfig) => resolve(own ?? defaultRunDirectory());

/** The UNIX socket at which Envoy is served; undefined for none. */
export function xdsSocketOf(config: EnvoyConfig): string | undefined {
  const { socket } = config.xds;
  if (socket === false) return undefined;
  return resolve(socket ?? join(directoryOf(config), 'xds.sock'));
}

/** Where Envoy's admin interface is; undefined where that is not known. */
export function adminOf(config: EnvoyConfig): AdminPlace | undefined {
  const { admin, managed } = config;
  if (admin === undefined)
    return managed ? { path: join(directoryOf(config), 'envoy-admin.sock') } : undefined;
  const [, host, port] = /^\[?([^/]+?)\]?:(\d+)$/.exec(admin) ?? [];
  return host === undefined ? { path: resolve(admin) } : { host, port: Number(port) };
}

/** How the Envoy is run that a configuration asks for; undefined where synapse runs none. */
export function optionsOf(config: EnvoyConfig): EnvoyOptions | undefined {
  const admin = adminOf(config);
  const xds = xdsSocketOf(config);
  if (!config.managed || !admin || xds === undefined) return undefined;
  return {
    binary: config.binary,
    directory: directoryOf(config),
    admin,
    xds,
    node: { id: hostname(), cluster: 'smartstack' },
    concurrency: config.concurrency,
    logLevel: config.log_level,
    drainTime: config.drain_time,
    onExit: config.on_exit,
    supervised: config.supervised,
    startTimeout,
  };
}
