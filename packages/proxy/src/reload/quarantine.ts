import type { Refused } from '../driver.ts';
import { type Address, probe } from '../process/address.ts';

/** Keeps what the proxy refused, and what it accepted last, so that one service stops no other. */
export interface Quarantine<Config> {
  /** The configuration to use for a service: its own, its last good one, or none. */
  choose(service: string, config: Config): Config | undefined;
  /** How often the set in quarantine has changed. */
  choices(): number;
  /** Leaves out a service with this configuration, or another owner of lines. */
  add(
    owner: string,
    config: Config | undefined,
    why: { reason: string; bind?: Address | undefined },
  ): void;
  /** Owners other than services that are left out, such as extra sections. */
  readonly leftOut: ReadonlySet<string>;
  /** The proxy loaded these: they are the last good ones now. */
  loaded(parts: readonly { readonly service: string; readonly config: Config }[]): void;
  /** Tries those again that were refused for an address that is free by now. */
  release(signal: AbortSignal): Promise<void>;
  /** The last good configurations by service. */
  readonly good: Readonly<Record<string, Config>>;
  list(): readonly Refused[];
}

export function createQuarantine<Config>(
  saved: Readonly<Record<string, Config>> = {},
): Quarantine<Config> {
  let good = saved;
  let choices = 0;
  const entries = new Map<
    string,
    {
      readonly key: string;
      readonly reason: string;
      readonly bind: Address | undefined;
      readonly since: string;
      readonly last: Config | undefined;
    }
  >();

  return {
    choices: () => choices,
    choose: (service, config) => {
      const entry = entries.get(service);
      if (!entry) return config;
      if (entry.key === JSON.stringify(config)) return entry.last;
      entries.delete(service);
      choices += 1;
      return config;
    },
    add: (owner, config, { reason, bind }) => {
      const before = entries.get(owner);
      const isLast = before !== undefined && before.last === config;
      const candidate = Object.hasOwn(good, owner) ? good[owner] : undefined;
      const key = isLast ? before.key : JSON.stringify(config ?? null);
      const last = isLast || JSON.stringify(candidate) === key ? undefined : candidate;
      const since = before?.since ?? new Date().toISOString();
      choices += 1;
      entries.set(owner, { key, reason: isLast ? before.reason : reason, bind, since, last });
    },
    get leftOut() {
      return new Set([...entries].filter(([, { key }]) => key === 'null').map(([owner]) => owner));
    },
    loaded: (parts) => {
      good = Object.fromEntries(parts.map(({ service, config }) => [service, config]));
    },
    release: async (signal) => {
      for (const [owner, { bind }] of entries) {
        if (!bind || (await probe(bind)) !== undefined) continue;
        signal.throwIfAborted();
        entries.delete(owner);
        choices += 1;
      }
    },
    get good() {
      return good;
    },
    list: () =>
      [...entries].map(([owner, { reason, since, last }]) => ({
        owner,
        reason,
        since,
        lastGood: last !== undefined,
      })),
  };
}
