import type { Resource, ResourceType } from '../resource.ts';
import { blame, trialsOf } from './blame.ts';
import type { Channel, Draft, Pending, Permission, Rejection } from './contract.ts';
import type { Names, Protocol } from './request.ts';
import { createSubscription } from './subscription.ts';
import { versionOf, versionOfAll } from './versions.ts';

export interface ChannelOptions {
  readonly type: ResourceType;
  readonly protocol: Protocol;
  readonly responseBytes: number;
}

/** A resource that the client has: its version, empty for "there is none", undefined for an unknown one. */
interface Held {
  readonly version: string | undefined;
  /** Kept where a later response has to repeat it. */
  readonly resource?: Resource | undefined;
  /** Whether the client may have none: it was in a response that was refused for another resource. */
  readonly isUnsure?: boolean;
}

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

/** The version of what does not exist. */
const none = '';
const reasonLength = 1_000;

export function createChannel({ type, protocol, responseBytes }: ChannelOptions): Channel {
  const subscription = createSubscription(type);
  /** Whether each response has to have everything: then what is left out is removed. */
  const isFull = protocol === 'sotw' && (type === 'cluster' || type === 'listener');
  const canRemove = isFull || protocol === 'delta';
  const held = new Map<string, Held>();
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
    held.delete(name);
    rejected.delete(name);
    inFlight?.changes.delete(name);
  }

  /** It is sent once more, whatever the client has. */
  function doubt(name: string): void {
    const has = held.get(name);
    forget(name);
    if (has && has.version !== none) held.set(name, { ...has, version: undefined });
    dirty.add(name);
  }

  const isThere = (has: Held | undefined) =>
    has !== undefined && has.version !== none && !has.isUnsure;

  /** What there is to send of a name; while something of it is in flight, what there is left to confirm. */
  function kindOf(name: string): Kind | undefined {
    const resource = wanted(name);
    const has = held.get(name);
    if (inFlight?.changes.has(name)) {
      if (!resource) return 'removed';
      return inFlight.changes.get(name) && isThere(has) ? 'changed' : 'fresh';
    }
    if (has?.version === (resource?.version ?? none)) {
      rejected.delete(name);
      return undefined;
    }
    if (rejected.get(name)?.version === (resource?.version ?? none)) return undefined;
    if (resource) return isThere(has) ? 'changed' : 'fresh';
    rejected.delete(name);
    if (!has) return protocol === 'delta' && subscription.names.has(name) ? 'absent' : undefined;
    if (canRemove || subscription.names.has(name)) return 'removed';
    held.delete(name);
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
        held.delete(name);
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

  /** What the client has once it takes these changes. */
  function after(changes: ReadonlyMap<string, Resource | undefined>): readonly Resource[] {
    const view = new Map<string, Resource>();
    for (const [name, { resource }] of held) if (resource) view.set(name, resource);
    for (const [name, resource] of changes) {
      if (resource) view.set(name, resource);
      else view.delete(name);
    }
    return [...view.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  function draft(nonce: string, may: Permission): Draft | undefined {
    if (inFlight || !resources) return undefined;
    const { changes, isTrial } = nextChanges(may);
    if (changes.size === 0 && !(owes && may.additions)) return undefined;
    const added = [...changes.values()].filter((one) => one !== undefined);
    const view = protocol === 'sotw' ? after(changes) : [];
    const sent = isFull ? view : added;
    const version = protocol === 'sotw' ? versionOf(view) : versionOfAll(resources);
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
      if (resource) held.set(name, heldOf(resource));
      else if (protocol === 'delta' && subscription.names.has(name))
        held.set(name, { version: none });
      else held.delete(name);
    }
    return taken.changes;
  }

  const heldOf = (resource: Resource): Held =>
    protocol === 'sotw' ? { version: resource.version, resource } : { version: resource.version };

  function refuse(nonce: string, reason: string, now: number) {
    const taken = take(nonce);
    if (!taken) return undefined;
    const names = [...taken.changes.keys()];
    for (const name of names) dirty.add(name);
    const { certain, mentioned } = blame(reason, taken.order, new Set(names));
    const bad = taken.count === 1 ? names : [...certain.keys()];
    const rest = names.filter((name) => !bad.includes(name));
    if (bad.length === 0 && rest.length > 1) trials = [...trialsOf(rest, mentioned), ...trials];
    else if (taken.isTrial && rest.length > 0) trials = [new Set(rest), ...trials];
    // A client may keep what is good of a response that it refuses, or not.
    for (const name of rest) {
      const has = held.get(name);
      held.set(name, { resource: has?.resource, version: undefined, isUnsure: !isThere(has) });
    }
    const found = taken.count === 0 ? [none] : bad;
    return found.map((name) => {
      const resource = taken.changes.get(name);
      const rejection: Rejection = {
        type,
        name,
        version: resource?.version ?? none,
        service: resource?.service ?? none,
        reason: (certain.get(name) ?? reason).trim().slice(0, reasonLength),
        since: now,
        hasEarlier: isThere(held.get(name)),
      };
      rejected.set(name, rejection);
      return rejection;
    });
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
      if (protocol === 'delta') held.set(name, { version: undefined });
      doubt(name);
    }
    if (change.everything) everything();
    for (const name of change.again) doubt(name);
    const isNamed = (name: string) => subscription.isWildcard || subscription.names.has(name);
    if (change.isNarrower)
      for (const name of [...held.keys(), ...(inFlight?.changes.keys() ?? [])])
        if (!isNamed(name)) forget(name);
    for (const [name, version] of known.filter(([name]) => isNamed(name))) {
      held.set(name, { version: version === none ? undefined : version });
      dirty.add(name);
    }
    owes ||= change.everything && known.length === 0;
    owes ||= isFull && change.again.length > 0;
  }

  function everything(): void {
    for (const name of [...held.keys()]) doubt(name);
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
      const count = [...held.values()].filter(isThere).length;
      return { version: confirmed, count };
    },
    get size() {
      return Math.max(subscription.names.size, held.size);
    },
    has: (name) => held.get(name)?.version !== undefined,
    serve: (served, changed) => {
      resources = served;
      if (!isAsked) return;
      for (const name of changed)
        if (subscription.names.has(name) || subscription.isWildcard) dirty.add(name);
    },
    ask,
    repeat: (name) => {
      if (subscription.names.has(name) && held.has(name)) doubt(name);
    },
    pending,
    draft,
    accept,
    refuse,
  };
}
