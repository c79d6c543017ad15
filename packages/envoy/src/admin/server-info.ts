import { isRecord } from '@smartstack/daemon';

import type { Admin } from './client.ts';

/** What an Envoy that answers says of itself (`/server_info`). */
export interface ServerInfo {
  /** The whole version, such as `9e55…/1.40.0/Clean/RELEASE/BoringSSL`: equal ones are the same program. */
  readonly version: string;
  /** `LIVE` once it serves; `PRE_INITIALIZING` and `INITIALIZING` before, `DRAINING` at its end. */
  readonly state: string;
  /** How long it runs, in milliseconds. */
  readonly uptime: number;
  readonly epoch: number;
  readonly baseId: number;
  /** Which hot restarts it takes part in: only with another one of the same. Undefined where in none. */
  readonly hotRestart: string | undefined;
  /** What our bootstrap file calls itself; undefined in another one. */
  readonly bootstrap: string | undefined;
}

/** The key of the node's metadata that says which bootstrap file an Envoy runs. */
export const bootstrapKey = 'smartstack_bootstrap';

export async function serverInfo(admin: Admin, signal: AbortSignal): Promise<ServerInfo> {
  return parseServerInfo(JSON.parse(await admin.get('/server_info', signal)));
}

export function parseServerInfo(answer: unknown): ServerInfo {
  const info = recordOf(answer);
  const options = recordOf(info.command_line_options);
  const bootstrap = recordOf(recordOf(info.node).metadata)[bootstrapKey];
  if (typeof info.version !== 'string') throw new Error('Envoy answers without its version');
  return {
    version: info.version,
    state: String(info.state),
    uptime: Number.parseFloat(String(info.uptime_current_epoch)) * 1_000 || 0,
    epoch: Number(options.restart_epoch) || 0,
    baseId: Number(options.base_id) || 0,
    hotRestart:
      options.disable_hot_restart === true ? undefined : (info.hot_restart_version as string),
    bootstrap: typeof bootstrap === 'string' ? bootstrap : undefined,
  };
}

/** The number in a whole version. */
export const numberOf = (version: string) => /\/(\d+\.\d+\.\d+)/.exec(version)?.[1] ?? version;

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
