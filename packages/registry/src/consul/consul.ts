import { createDeadline } from '@smartstack/daemon';

import { createAnnouncements } from '../announcements.ts';
import { createDecoder, type DecoderDeps } from '../instance/decoder.ts';
import type { Instance } from '../instance/instance.ts';
import type { Registry } from '../registry.ts';
import type { IsStale } from '../zookeeper/zookeeper.ts';
import { deregister, ownServices } from './agent.ts';
import { announceService } from './announce.ts';
import { createConsulClient } from './client.ts';
import { followDatacenters } from './datacenters.ts';
import { followService } from './follow.ts';
import { type ConsulMapping, defaultMapping, recordMapper } from './mapping.ts';
import { createPrepared, type PreparedQuery } from './prepared.ts';
import { type ConsulFollow, plainQuery } from './query.ts';
import { type ConsulForm, defaultForm, serviceOf } from './registration.ts';
import { createRounds, type Rounds } from './rounds.ts';
import type { ConsulSection } from './section.ts';
import { createSlots, createTurns } from './turns.ts';

/** Called with the reason why a part of a service cannot be read now, and with undefined once it can again. */
type OnTrouble = (reason: string | undefined, part?: string) => void;

/** One Consul. A path means the service of the same name, its `/` as `-`. */
export interface ConsulRegistry extends Registry {
  /** Follows a service as Consul's users have it; as `watch` does it. */
  follow(
    service: ConsulFollow,
    onTrouble: OnTrouble | undefined,
    signal: AbortSignal,
  ): AsyncIterable<readonly Instance[]>;
  /** What a prepared query finds now; to be asked again and again. Rejects where Consul does not say. */
  prepared(
    query: PreparedQuery,
    mapping: ConsulMapping,
  ): (signal: AbortSignal) => Promise<readonly Instance[]>;
  /** Announces in another form than the usual one. */
  announceAs(
    form: ConsulForm,
    ...args: Parameters<Registry['announce']>
  ): ReturnType<Registry['announce']>;
  /** Deregisters what an earlier process of this name registered with this agent and this one has not, where `isStale` is true. */
  dropUnclaimed(isStale: IsStale, signal: AbortSignal): Promise<void>;
  /** Whether an earlier process of this name may have a service, at a path or at any, that is neither taken over nor deregistered yet. */
  hasUnclaimed(path?: string): boolean;
  /** Leaves the announcements to the next process: they pass until their time to live is over. */
  handOff(): void;
  /** The last moment at which Consul did not answer or was in doubt, on `performance.now`'s clock. */
  lastUnhealthy(): number | undefined;
}

export interface ConsulRegistryOptions extends DecoderDeps {
  readonly section: ConsulSection;
  /** The name that this process's instances have, where it announces any. */
  readonly owner?: string | undefined;
  /** Which announcement of this process has which service id at this agent; shared by all who speak to it. */
  readonly held?: Map<string, symbol>;
  /** Whether this process has a service of this id at any agent: one may go by several URLs. */
  isHeld?(id: string): boolean;
}

/** How long the end may take to deregister what is left, in milliseconds. */
const longestEnd = 1_900;
/** Readings that are answered at once, at a time. */
const mostReads = 16;

export function createConsulRegistry(options: ConsulRegistryOptions): ConsulRegistry {
  const { section, owner, held = new Map<string, symbol>(), log, metrics } = options;
  const isHeld = options.isHeld ?? ((id: string) => held.has(id));
  const { wait } = section;
  const client = createConsulClient(section, log);
  const announcements = createAnnouncements();
  const disposed = new AbortController();
  const left = new AbortController();
  const closed = new AbortController();
  /** What an earlier process left, by its id; undefined while nobody has looked. */
  let unclaimed: Map<string, string> | undefined;
  const slots = createSlots(section.blocking_queries);
  const inTurn = createTurns(mostReads);
  const rounds = new Map<string, Rounds>();

  function roundsOf(datacenter: string | undefined): Rounds {
    const key = datacenter ?? '';
    const known = rounds.get(key) ?? createRounds({ client, datacenter, wait, inTurn });
    rounds.set(key, known);
    return known;
  }

  async function* followOne(
    { mapping, ...query }: ConsulFollow,
    datacenter: string | undefined,
    onTrouble: (reason: string | undefined) => void,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Instance[], void> {
    const decode = createDecoder(query.service, { log, metrics }, recordMapper(mapping));
    const deps = { client, wait, slots, rounds: roundsOf(datacenter), inTurn, log, onTrouble };
    for await (const records of followService({ ...query, datacenter }, deps, signal))
      yield decode(records);
  }

  function follow(
    service: ConsulFollow,
    onTrouble: OnTrouble = () => {},
    outer: AbortSignal,
  ): AsyncIterable<readonly Instance[]> {
    const signal = AbortSignal.any([outer, disposed.signal]);
    const names = service.datacenters.length > 0 ? service.datacenters : [section.datacenter];
    const [only] = names;
    if (names.length === 1) return followOne(service, only, (reason) => onTrouble(reason), signal);
    const parts = names.map((name = '') => ({
      name,
      follow: (note: (reason: string | undefined) => void, within: AbortSignal) =>
        followOne(service, name, note, within),
    }));
    return followDatacenters(parts, onTrouble, signal);
  }

  const announceAs: ConsulRegistry['announceAs'] = async (form, path, instance, signal) => {
    const deps = { client, log, held, leaving: left.signal, closed: closed.signal };
    const place = { service: serviceOf(path), form };
    return announcements.add(await announceService(place, instance, deps, signal));
  };

  return {
    announceAs,
    announce: (...args) => announceAs(defaultForm, ...args),
    follow,
    watch: (path, signal) => {
      const all = { ...plainQuery(serviceOf(path)), datacenters: [], mapping: defaultMapping };
      return follow(all, undefined, signal);
    },
    prepared: (query, mapping) => {
      const ask = createPrepared(client, {
        ...query,
        datacenter: query.datacenter ?? section.datacenter,
      });
      const decode = createDecoder(`query ${query.query}`, { log, metrics }, recordMapper(mapping));
      return async (signal) => decode(await ask(signal));
    },
    dropUnclaimed: async (isStale, signal) => {
      if (owner === undefined) return;
      const own = await ownServices(client, owner, signal);
      unclaimed = new Map(own.map(({ id, service }) => [id, service]));
      for (const { id, service, instance } of own) {
        if (isHeld(id) || !isStale(service, instance)) continue;
        await deregister(client, id, signal);
        unclaimed.delete(id);
        log.info({ service, id }, 'deregistered what an earlier nerve left');
      }
    },
    hasUnclaimed: (path) =>
      owner !== undefined &&
      (unclaimed === undefined ||
        [...unclaimed].some(
          ([id, service]) => (path === undefined || service === serviceOf(path)) && !isHeld(id),
        )),
    handOff: () => left.abort(),
    lastUnhealthy: client.lastUnhealthy,
    [Symbol.asyncDispose]: async () => {
      disposed.abort();
      // What could not be deregistered turns critical, and the next process looks for it.
      using limit = createDeadline(longestEnd);
      limit.signal.addEventListener('abort', () => closed.abort());
      await Promise.allSettled([announcements[Symbol.asyncDispose]()]);
      closed.abort();
      client[Symbol.dispose]();
    },
  };
}
