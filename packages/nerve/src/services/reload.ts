import { isDeepStrictEqual } from 'node:util';

import type { Log } from '@smartstack/daemon';

import type { Config } from '../config/config.ts';
import type { Services } from './services.ts';

export interface ReloadDeps {
  readonly services: Services;
  readonly log: Log;
  /** Configurations that replace the first one, until aborted. */
  reloads(signal: AbortSignal): AsyncIterable<Config>;
  /** Called when another configuration is in effect. */
  configured(): void;
}

/** Applies the services of each new configuration; the other keys that changed need a restart, which is logged. */
export async function applyReloads(
  first: Config,
  { services, log, reloads, configured }: ReloadDeps,
  signal: AbortSignal,
): Promise<void> {
  for await (const next of reloads(signal)) {
    services.apply(next.services);
    log.info({ services: next.services.length }, 'configuration read again');
    configured();
    const keys = changedKeys(first, next);
    if (keys.length > 0)
      log.warn({ keys, fix: 'systemctl restart nerve' }, 'these keys have to wait for a restart');
  }
}

function changedKeys(first: Config, next: Config): readonly string[] {
  return (Object.keys(first) as (keyof Config)[]).filter(
    (key) => key !== 'services' && !isDeepStrictEqual(first[key], next[key]),
  );
}
