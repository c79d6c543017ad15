import { isDeepStrictEqual } from 'node:util';
import { createTimeSlice } from '@smartstack/daemon';
import type { Hosts, Service, Snapshot } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';
import type { HaproxyService } from '../config/config.ts';
import { ownOf } from '../config/section.ts';
import { type LayoutSettings, type Part, partOf } from '../render/layout.ts';
import type { Made, Refusal, Server } from '../render/server.ts';
import { type Servers, serversOf } from '../render/servers.ts';

/** One service as HAProxy is to serve it. */
export interface Desired {
  readonly service: Service;
  readonly part: Part;
  /** Undefined while its members are unknown. */
  readonly servers: readonly Server[] | undefined;
  /** What to serve while they are unknown and HAProxy has none. */
  readonly fallback: readonly Server[];
  readonly refusals: readonly Refusal[];
  /** What the next list of members is compared with. */
  readonly made: Servers;
}

type Members = Pick<Desired, 'servers' | 'fallback' | 'refusals' | 'made'>;

export interface DesireOptions {
  readonly settings: LayoutSettings;
  readonly hosts: Hosts;
  /** The address that HAProxy has for a server whose name does not resolve now. */
  addressOf(server: string): string | undefined;
  /** Called for each set of options that a member may not have, when it first asks for them. */
  onRefused(service: string, refusal: Refusal): void;
  /** Called for a service's lines for a shared frontend, where there is no shared frontend. */
  onIgnored(service: string, lines: readonly string[]): void;
  /** The configuration to use for a service; undefined to leave it out. */
  choose(service: string, config: HaproxyService): HaproxyService | undefined;
  /** Changes whenever `choose` may choose otherwise. */
  choices(): number;
}

type MembersOptions = Pick<DesireOptions, 'settings' | 'hosts' | 'addressOf'>;

/** What the last snapshot came to: most steps ask for the same one again. */
interface Last {
  readonly snapshot: Snapshot;
  readonly chosen: number;
  readonly desired: ReadonlyMap<string, Desired>;
}

/** A function from services to their servers; what did not change is not made again. */
function createMembersOf({ settings, hosts, addressOf }: MembersOptions) {
  const made = new WeakMap<Part, WeakMap<Instance, Made>>();
  return ({ instances, defaults }: Service, part: Part, before?: Servers): Members => {
    const { config, traits } = part;
    const isOwnResolver = /(^|\s)resolvers\s/.test(config.server_options ?? '');
    const known = made.get(part) ?? new WeakMap<Instance, Made>();
    made.set(part, known);
    const shared = {
      top: settings.config,
      service: config,
      words: part.stanza.serverWords,
      cookies: traits.cookies,
      made: known,
      resolve: (host: string, server: string) =>
        isOwnResolver ? host : (hosts.resolve(host) ?? addressOf(server)),
    };
    const found = serversOf(instances ?? defaults, shared, before);
    const { servers, refusals } = found;
    return instances === undefined
      ? { servers: undefined, fallback: servers, refusals, made: found }
      : { servers, fallback: [], refusals, made: found };
  };
}

/**
 * Turns snapshots into what HAProxy should have. What did not change since the last call is the same
 * object again, so that the cost of a change is the change.
 */
export function createDesiredState(options: DesireOptions) {
  const { settings, hosts, choose } = options;
  const membersOf = createMembersOf(options);
  let previous: ReadonlyMap<string, Desired> = new Map();
  let last: Last | undefined;
  /** What was refused last: it is logged once, though services are made anew when an address changes. */
  const refused = new Map<string, readonly Refusal[]>();
  const parts = new WeakMap<HaproxyService, Part>();

  const partFor = (name: string, config: HaproxyService): Part => {
    const known = parts.get(config);
    if (known?.service === name) return known;
    const part = partOf(name, config, settings);
    parts.set(config, part);
    const { shared } = part.stanza;
    if (shared.length > 0 && !settings.config.shared_frontend) options.onIgnored(name, shared);
    return part;
  };

  function desire(service: Service, config: HaproxyService): Desired {
    const before = previous.get(service.name);
    const part = partFor(service.name, config);
    if (
      before?.part === part &&
      before.service.instances === service.instances &&
      before.service.defaults === service.defaults
    ) {
      return before.service === service ? before : { ...before, service };
    }
    const members = membersOf(service, part, before?.part === part ? before.made : undefined);
    for (const refusal of members.refusals)
      if (!refused.get(service.name)?.some((other) => isDeepStrictEqual(other, refusal)))
        options.onRefused(service.name, refusal);
    refused.set(service.name, members.refusals);
    return { service, part, ...members };
  }

  async function of(snapshot: Snapshot): Promise<ReadonlyMap<string, Desired>> {
    const chosen = options.choices();
    if (last?.snapshot === snapshot && last.chosen === chosen) return last.desired;
    const now = new Map<string, Desired>();
    const slice = createTimeSlice();
    for (const [name, service] of snapshot) {
      if (slice.isOver) await slice.yield();
      const own = ownOf(service);
      const config = own && !own.disabled ? choose(name, own) : undefined;
      if (config) now.set(name, desire(service, config));
    }
    previous = now;
    for (const name of refused.keys()) if (!now.has(name)) refused.delete(name);
    // A choice may have ended while this was made.
    last = { snapshot, chosen: options.choices(), desired: now };
    return now;
  }

  function forget(): void {
    previous = new Map();
    last = undefined;
  }

  return {
    /** What a snapshot asks for, in its order. */
    of,
    /** The same, once names that are new were looked up. */
    async resolved(snapshot: Snapshot, signal: AbortSignal): Promise<ReadonlyMap<string, Desired>> {
      const first = await of(snapshot);
      if (!(await hosts.learn(signal))) return first;
      forget();
      return of(snapshot);
    },
    /** The servers of a service under another configuration of it. */
    under: (service: Service, part: Part): Members => membersOf(service, part),
    /** Makes everything anew next time: an address changed. */
    refresh: forget,
  };
}

export type DesiredState = ReturnType<typeof createDesiredState>;
