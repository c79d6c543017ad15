import type { Hosts, Snapshot } from '@smartstack/proxy';

import type { EnvoyConfig } from '../config/config.ts';
import { resourcesOptions } from '../config/rendering.ts';
import { ownOf } from '../config/section.ts';
import { createResources, type Made } from '../resources/resources.ts';
import { createHeld } from './held.ts';
import { createLeaving, type Leaving } from './leaving.ts';

/** What a snapshot comes to: what Envoy is told, and who leaves. */
export interface Desired extends Made {
  /** With the members that were known last, where nobody knows them now. */
  readonly snapshot: Snapshot;
  readonly leaving: ReturnType<Leaving['of']>;
}

/** Turns snapshots into what Envoy should have; the same object again where nothing changed. */
export interface Desire {
  of(snapshot: Snapshot): Desired;
  /** Makes everything anew next time: an address or the section is another one. */
  refresh(config: EnvoyConfig): void;
  /** When the next member that leaves is gone (`performance.now()`). */
  readonly next: number;
}

export function createDesire(first: EnvoyConfig, hosts: Hosts): Desire {
  const leaving = createLeaving();
  const held = createHeld();
  let config = first;
  let make = makerOf(config, hosts);
  let last: (Desired & { readonly given: Snapshot }) | undefined;

  return {
    of: (given) => {
      const snapshot = given === last?.given ? last.snapshot : held(given);
      const drainTimeOf = (name: string) => {
        const service = snapshot.get(name);
        return (service && ownOf(service)?.drain_timeout) ?? config.drain_timeout;
      };
      const left = leaving.of(snapshot, drainTimeOf);
      if (last?.snapshot === snapshot && last.leaving === left) return last;
      last = { ...make(snapshot, left), given, snapshot, leaving: left };
      return last;
    },
    refresh: (next) => {
      if (next !== config) make = makerOf(next, hosts);
      config = next;
      last = undefined;
    },
    get next() {
      return leaving.next;
    },
  };
}

const makerOf = (config: EnvoyConfig, hosts: Hosts) =>
  createResources(resourcesOptions(config, hosts.resolve));
