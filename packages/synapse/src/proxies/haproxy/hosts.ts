import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/**
 * Addresses of members that are announced by name. HAProxy gets addresses only: a name that does not
 * resolve would make its file invalid, and a slow one its start.
 */
export interface Hosts {
  /** The address of a host; undefined while it is unknown. An unknown name is asked for from now on. */
  resolve(host: string): string | undefined;
  /** Looks up the names that were never looked up, or also those that failed, or all; true when an address changed. */
  refresh(what: 'new' | 'unknown' | 'all', signal: AbortSignal): Promise<boolean>;
  /** Names that are asked for and have no address. */
  readonly unknown: readonly string[];
}

const parallel = 16;

/** A lookup that fails keeps the address that was known before. */
export function createHosts(timeout = 1_000): Hosts {
  const known = new Map<string, string | undefined>();

  const tried = new Set<string>();

  async function learn(host: string): Promise<boolean> {
    tried.add(host);
    const found = await Promise.race([
      lookup(host, { verbatim: false }).catch(() => undefined),
      new Promise<undefined>((resolve) => {
        setTimeout(() => resolve(undefined), timeout).unref();
      }),
    ]);
    if (!found || known.get(host) === found.address) return false;
    known.set(host, found.address);
    return true;
  }

  const unknown = () =>
    [...known].filter(([, address]) => address === undefined).map(([host]) => host);
  return {
    resolve: (host) => {
      if (isIP(host) !== 0) return host;
      if (!known.has(host)) known.set(host, undefined);
      return known.get(host);
    },
    refresh: async (what, signal) => {
      const names = what === 'all' ? [...known.keys()] : unknown();
      const wanted = what === 'new' ? names.filter((host) => !tried.has(host)) : names;
      let changed = false;
      for (let at = 0; at < wanted.length && !signal.aborted; at += parallel) {
        const results = await Promise.all(wanted.slice(at, at + parallel).map(learn));
        changed ||= results.includes(true);
      }
      return changed;
    },
    get unknown() {
      return unknown();
    },
  };
}
