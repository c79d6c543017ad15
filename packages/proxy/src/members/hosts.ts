import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { createDeadline } from '@smartstack/daemon';

import { pause } from '../reload/pause.ts';

/**
 * Addresses of members that are announced by name. A proxy gets addresses only: a name that does not
 * resolve would make its configuration invalid, and a slow one would delay its start.
 */
export interface Hosts {
  /** The address of a host; undefined while it is unknown. An unknown name is asked for from now on. */
  resolve(host: string): string | undefined;
  /** Looks up names that are new, within a second; true when an address was found. */
  learn(signal: AbortSignal): Promise<boolean>;
  /** Looks all names up again and again; yields when an address changed. Ends when aborted. */
  changes(signal: AbortSignal): AsyncGenerator<void, void>;
}

const parallel = 16;
const patience = 1_000;

/** A lookup that fails keeps the address that was known before. IPv4 goes first. */
export function createHosts(interval = 10_000): Hosts {
  const known = new Map<string, string | undefined>();
  const tried = new Set<string>();

  async function ask(host: string, signal: AbortSignal): Promise<boolean> {
    tried.add(host);
    const found = await Promise.race([
      lookup(host, { verbatim: false }).catch(() => undefined),
      sleep(patience, undefined, { signal, ref: false }).catch(() => undefined),
    ]);
    if (!found || known.get(host) === found.address) return false;
    known.set(host, found.address);
    return true;
  }

  async function askAll(names: readonly string[], signal: AbortSignal): Promise<boolean> {
    let changed = false;
    for (let at = 0; at < names.length && !signal.aborted; at += parallel) {
      const some = names.slice(at, at + parallel);
      const answers = await Promise.all(some.map((host) => ask(host, signal)));
      changed ||= answers.includes(true);
    }
    return changed;
  }

  return {
    resolve: (host) => {
      if (isIP(host) !== 0) return host;
      if (!known.has(host)) known.set(host, undefined);
      return known.get(host);
    },
    learn: async (signal) => {
      const names = [...known.keys()].filter((host) => !tried.has(host));
      if (names.length === 0) return false;
      using deadline = createDeadline(patience, signal);
      return await askAll(names, deadline.signal);
    },
    changes: async function* (signal) {
      while (!signal.aborted) {
        await pause(interval, signal);
        if (await askAll([...known.keys()], signal)) yield;
      }
    },
  };
}
