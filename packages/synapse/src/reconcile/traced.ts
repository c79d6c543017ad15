import { type Locality, levelOf } from '@smartstack/policy';
import type { Service } from '@smartstack/proxy';
import { changed, type Instance, keyOf } from '@smartstack/registry';

import { addressOf } from '../discovery/multi/resolvers.ts';
import { createPortedMembers } from '../discovery/policies/backend-port.ts';
import { filtersOf, type LabelFilter, obstacleOf } from '../discovery/policies/label-filters.ts';
import type { Followed } from './follower.ts';
import { portIn } from './own-sections.ts';

/** Where a member comes from: its discovery found it, or it is served because too few were found. */
export type Source = 'found' | 'saved' | 'default' | 'held' | 'previous';

/** A member that some step knows. */
export interface TracedMember {
  readonly instance: Instance;
  readonly source: Source;
  /** Why it is not served, where it is not. */
  readonly leftOut?: string;
  /** The watchers of a `multi` that found its address, in the file's order. */
  readonly watchers?: readonly string[];
}

/** Every member that some step knows, at the address that it is served at, and how far it got. */
export function tracedMembers(followed: Followed, service: Service): readonly TracedMember[] {
  const { trace, config } = followed;
  const registryPort = portIn(service.registryConfig);
  const port = registryPort ?? config?.backend_port_override;
  const addressed = (list: readonly Instance[] | undefined) =>
    port === undefined ? list : list?.map((each) => changed(each, { port }));
  const members = createPortedMembers(config?.default_servers ?? []);
  members.list(trace?.at('kept') ?? []);
  members.moveTo(registryPort);
  const kept = members.current();
  const served = service.instances ?? service.defaults;
  const lists = [served, kept ?? [], addressed(trace?.at('found')) ?? []];
  const known = new Map(lists.flat().map((each) => [keyOf(each), each]));
  const isServed = among(served);
  const isKept = among(kept);
  const sourceOf = sourcesOf(followed, service, addressed(trace?.at('filtered')));
  const watchersOf = createWatchersOf(followed, addressed);
  return [...known.values()].map((instance) => {
    const watchers = watchersOf(instance);
    if (isServed(instance)) return { instance, source: sourceOf(instance), ...watchers };
    const leftOut = obstacle(instance, followed, isKept(instance));
    return { instance, source: 'found', leftOut, ...watchers };
  });
}

/** Tells which watchers of a `multi` found a member's address; nothing for a discovery of one registry. */
function createWatchersOf(
  { config, trace }: Followed,
  addressed: (list: readonly Instance[] | undefined) => readonly Instance[] | undefined,
): (instance: Instance) => Pick<TracedMember, 'watchers'> {
  if (config?.discovery.method !== 'multi') return () => ({});
  const found = Object.keys(config.discovery.watchers).map((name) => {
    const list = addressed(trace?.parts().get(name)) ?? [];
    return [name, new Set(list.map(addressOf))] as const;
  });
  return (instance) => {
    const address = addressOf(instance);
    const watchers = found.flatMap(([name, all]) => (all.has(address) ? [name] : []));
    return watchers.length === 0 ? {} : { watchers };
  };
}

function obstacle(instance: Instance, { config }: Followed, isKept: boolean): string {
  const filter = config && obstacleOf(instance, filtersOf(config.discovery));
  if (filter) return `left out by a label filter: ${sentenceOf(filter, instance)}`;
  if (isKept) return config?.leader_election ? 'not the leader' : 'not served yet';
  if (config?.locality && levelOf(instance, config.locality) > 0)
    return `not needed: ${placeOf(instance, config.locality)}, and enough are nearer`;
  return 'found, but another of the same address and name is served';
}

/** Tells where a served member comes from. */
function sourcesOf(
  { guard, config }: Followed,
  service: Service,
  filtered: readonly Instance[] | undefined,
): (instance: Instance) => Source {
  if (service.instances === undefined) return () => (service.stale ? 'saved' : 'default');
  const [isHeld, isFound] = [among(guard?.held()?.members), among(filtered)];
  const isDefault = among(config?.default_servers);
  return (instance) => {
    if (isHeld(instance)) return 'held';
    if (filtered === undefined || isFound(instance)) return 'found';
    return isDefault(instance) ? 'default' : 'previous';
  };
}

function among(list: readonly Instance[] | undefined): (instance: Instance) => boolean {
  const keys = new Set(list?.map(keyOf));
  return (instance) => keys.has(keyOf(instance));
}

/** Why a member gets no traffic while nearer ones are up. */
export function standsBy(instance: Instance, { locality }: Service): string | undefined {
  if (!locality || !levelOf(instance, locality)) return undefined;
  return `stands by: ${placeOf(instance, locality)}`;
}

function placeOf({ labels = {} }: Instance, { from }: Locality): string {
  return Object.hasOwn(labels, from)
    ? `its ${from} is ${JSON.stringify(labels[from])}`
    : `it has no ${from}`;
}

function sentenceOf({ label, condition, value }: LabelFilter, { labels = {} }: Instance): string {
  const own = Object.hasOwn(labels, label) ? `is ${JSON.stringify(labels[label])}` : 'is absent';
  return `${label} ${condition} ${JSON.stringify(value)}, but it ${own}`;
}
