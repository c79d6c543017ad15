import type { Resource } from '../resource.ts';
import { verdictOf } from './blame.ts';
import type { Channel, ChannelOptions, Draft, Pending, Permission, Rejection } from './contract.ts';
import type { Names } from './request.ts';
import { createSubscription } from './subscription.ts';
import { versionOf, versionOfAll } from './versions.ts';
import { byName, createView, none } from './view.ts';

interface InFlight {
  readonly nonce: string;
  readonly version: string;
  /** What the client did not have before, without what it has asked for again since. */
  readonly changes: Map<string, Resource | undefined>;
  /** How many changes it has, those included. */
  readonly count: number;
  /** The names in the response's order. */
  readonly order: readonly string[];
  readonly isTrial: boolean;
}

type Kind = 'fresh' | 'changed' | 'absent' | 'removed';

/** So much of a reason is kept, in characters. */
const reasonLength = 1_000;

export function createChannel({ type, protocol, responseBytes }: ChannelOptions): Channel {
  const subscription = createSubscription(type);
  /** Whether each response has to have everything: then what is left out is removed. */
  const isFull = protocol === 'sotw' && (type === 'cluster' || type === 'listener');
  const canRemove = isFull || protocol === 'delta';
  const view = createView(protocol === 'sotw');
  const dirty = new Set<string>();
  const rejected = new Map<string, Rejection>();
  let trials: readonly ReadonlySet<string>[] = [];
  let inFlight: InFlight | undefined;
  let resources: ReadonlyMap<string, Resource> | undefined;
  let isAsked = false;
  let owes = false;
  let confirmed = none;

  const wanted = (name: string) => subscription.wanted(resources, name);

  function forget(name: string): void {
    view.forget(name);
    rejected.delete(name);
    inFlight?.changes.delete(name);
  }

  /** It is sent once more, whatever the client has. */
  function doubt(name: string): void {
    view.doubt(name);
    rejected.delete(name);
    inFlight?.changes.delete(name);
    dirty.add(name);
  }

  /** What there is to send of a name; while something of it is in flight, what there is left to confirm. */
  function kindOf(name: string): Kind | undefined {
    const resource = wanted(name);
    const version = resource?.version ?? none;
    if (inFlight?.changes.has(name)) {
      if (!resource) return 'removed';
      return inFlight.changes.get(name) && view.has(name) ? 'changed' : 'fresh';
    }
    if (view.version(name) === version) {
      rejected.delete(name);
      return undefined;
    }
    if (rejected.get(name)?.version === version) return undefined;
    if (resource) return view.has(name) ? 'changed' : 'fresh';
    rejected.delete(name);
    const isNamed = subscription.names.has(name);
    if (!view.knows(name)) return protocol === 'delta' && isNamed ? 'absent' : undefined;
    if (canRemove || isNamed) return 'removed';
    view.forget(name);
    return undefined;
  }

  function pending(): Pending {
    const kinds = { fresh: [], changed: [], absent: [], removed: [] } as Record<Kind, string[]>;
    for (const name of resources ? dirty : []) {
      const kind = kindOf(name);
      if (kind) kinds[kind].push(name);
      else dirty.delete(name);
    }
    return { ...kinds, owes };
  }

  function pick(names: Iterable<string>, { additions, removals }: Permission) {
    const changes = new Map<string, Resource | undefined>();
    let bytes = 0;
    for (const name of names) {
      const kind = dirty.has(name) ? kindOf(name) : undefined;
      if (!kind) dirty.delete(name);
      if (!kind || !(kind === 'removed' ? removals : additions)) continue;
      if (kind === 'removed' && !canRemove) {
        // There is no way to say so: the client finds out by what names it.
        view.forget(name);
        continue;
      }
      const resource = wanted(name);
      bytes += (resource?.value.length ?? 0) + name.length;
      if (bytes > responseBytes && changes.size > 0 && !isFull) break;
      changes.set(name, resource);
    }
    return changes;
  }

  /** The next changes, and whether they are a trial: what was refused is tried again before anything else is sent. */
  function nextChanges(may: Permission) {
    for (const trial of trials) {
      const changes = pick(trial, may);
      if (changes.size > 0) return { changes, isTrial: true };
      if ([...trial].some((name) => dirty.has(name))) return { changes, isTrial: true };
      trials = trials.slice(1);
    }
    return { changes: pick(dirty, may), isTrial: false };
  }

  function draft(nonce: string, may: Permission): Draft | undefined {
    if (inFlight || !resources) return undefined;
    const { changes, isTrial } = nextChanges(may);
    if (changes.size === 0 && !(owes && may.additions)) return undefined;
    const added = [...changes.values()].filter((one) => one !== undefined).sort(byName);
    const all = protocol === 'sotw' ? view.after(changes) : [];
    const sent = isFull ? all : added;
    const version = protocol === 'sotw' ? versionOf(all) : versionOfAll(resources);
    owes = false;
    const count = changes.size;
    inFlight = { nonce, version, changes, count, order: sent.map(({ name }) => name), isTrial };
    const removed = [...changes.keys()].filter((name) => !changes.get(name));
    return { version, resources: sent, removed: protocol === 'delta' ? removed : [] };
  }

  /** Takes what is in flight under a nonce. */
  function take(nonce: string): InFlight | undefined {
    if (!inFlight || inFlight.nonce !== nonce) return undefined;
    const taken = inFlight;
    inFlight = undefined;
    if (taken.isTrial) trials = trials.slice(1);
    return taken;
  }

  function accept(nonce: string) {
    const taken = take(nonce);
    if (!taken) return undefined;
    confirmed = taken.version;
    rejected.delete(none);
    for (const [name, resource] of taken.changes) {
      rejected.delete(name);
      dirty.add(name);
      if (resource) view.took(resource);
      else if (protocol === 'delta' && subscription.names.has(name)) view.lacks(name);
      else view.forget(name);
    }
    return taken.changes;
  }

  function refuse(nonce: string, reason: string, now: number) {
    const taken = take(nonce);
    if (!taken) return undefined;
    const changes = [...taken.changes.keys()];
    for (const name of changes) dirty.add(name);
    const isAll = changes.length === taken.count;
    const verdict = verdictOf({ ...taken, reason, changes, isAll });
    trials = [...verdict.trials, ...trials];
    // A client may keep what is good of a response that it refuses, or not.
    for (const name of verdict.rest) view.mayHave(name);
    const bad = taken.count === 0 ? new Map([[none, reason]]) : verdict.bad;
    return Array.from(bad, ([name, why]) => reject(name, taken.changes.get(name), why, now));
  }

  function reject(name: string, resource: Resource | undefined, why: string, since: number) {
    const rejection: Rejection = {
      type,
      name,
      version: resource?.version ?? none,
      service: resource?.service ?? none,
      reason: why.trim().slice(0, reasonLength),
      since,
      hasEarlier: view.has(name),
    };
    rejected.set(name, rejection);
    return rejection;
  }

  function ask(names: Names): void {
    const known = !isAsked && names.protocol === 'delta' ? Object.entries(names.known) : [];
    isAsked = true;
    const change =
      names.protocol === 'sotw'
        ? subscription.replace(names.all)
        : subscription.adjust(names.subscribe, names.unsubscribe);
    for (const name of subscription.isWildcard ? change.released : []) {
      // It has "everything" as well, and does not know whether this is a part of that.
      if (protocol === 'delta') view.claims(name, none);
      doubt(name);
    }
    if (change.everything) everything();
    for (const name of change.again) doubt(name);
    const isNamed = (name: string) => subscription.isWildcard || subscription.names.has(name);
    if (change.isNarrower)
      for (const name of [...view.names(), ...(inFlight?.changes.keys() ?? [])])
        if (!isNamed(name)) forget(name);
    for (const [name, version] of known.filter(([name]) => isNamed(name))) {
      view.claims(name, version);
      dirty.add(name);
    }
    owes ||= change.everything && known.length === 0;
    owes ||= isFull && change.again.length > 0;
  }

  function everything(): void {
    for (const name of view.names()) doubt(name);
    for (const [name, { audience }] of resources ?? []) if (audience === 'all') dirty.add(name);
  }

  return {
    subscription,
    get isAsked() {
      return isAsked;
    },
    get inFlight() {
      return inFlight?.changes;
    },
    rejected,
    get confirmed() {
      return { version: confirmed, count: view.count };
    },
    get size() {
      return Math.max(subscription.names.size, view.size);
    },
    has: (name) => view.version(name) !== undefined,
    holds: view.has,
    serve: (served, changed) => {
      resources = served;
      if (!isAsked) return;
      for (const name of changed)
        if (subscription.names.has(name) || subscription.isWildcard) dirty.add(name);
    },
    ask,
    repeat: (name) => {
      if (subscription.names.has(name) && view.knows(name)) doubt(name);
    },
    pending,
    draft,
    accept,
    refuse,
  };
}
