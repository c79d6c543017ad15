import type { Resource, ResourceType } from '../resource.ts';

/** What one client asks for of one type, over the requests of a stream. */
export interface Subscription {
  readonly isWildcard: boolean;
  readonly names: ReadonlySet<string>;
  /** The resource of this name, if the client is to have it. */
  wanted(resources: ReadonlyMap<string, Resource> | undefined, name: string): Resource | undefined;
  /** A request that lists all names. */
  replace(all: readonly string[]): Change;
  /** A request that says what is added and what is left out. */
  adjust(subscribe: readonly string[], unsubscribe: readonly string[]): Change;
}

/** What a request changes of what is asked for. */
export interface Change {
  /** Names that have to be sent even if the client is thought to have them. */
  readonly again: readonly string[];
  /** Names that are no longer asked for as such. */
  readonly released: readonly string[];
  /** Whether less is asked for than before. */
  readonly isNarrower: boolean;
  /** Whether everything is asked for anew. */
  readonly everything: boolean;
}

export const wildcard = '*';

/** Types of which a request without names asks for everything, as long as none had any. */
const withoutNames: readonly ResourceType[] = ['cluster', 'listener'];

export function createSubscription(type: ResourceType): Subscription {
  let isWildcard = false;
  let names = new Set<string>();
  /** Whether a request ever named something; from then on no names means nothing. */
  let isExplicit = false;
  let isFirst = true;

  function legacy(): Change {
    const everything = isFirst && withoutNames.includes(type);
    isFirst = false;
    isWildcard ||= everything;
    return { again: [], released: [], isNarrower: false, everything };
  }

  function replace(all: readonly string[]): Change {
    if (all.length === 0 && !isExplicit) return legacy();
    const before = names;
    const wasWildcard = isWildcard;
    names = new Set(all);
    isWildcard = names.delete(wildcard);
    isExplicit = true;
    isFirst = false;
    const released = [...before].filter((name) => !names.has(name));
    return {
      again: [...names].filter((name) => !before.has(name)),
      released,
      isNarrower: released.length > 0 || (wasWildcard && !isWildcard),
      everything: isWildcard && !wasWildcard,
    };
  }

  function adjust(subscribe: readonly string[], unsubscribe: readonly string[]): Change {
    if (subscribe.length === 0 && unsubscribe.length === 0 && !isExplicit) return legacy();
    const released = unsubscribe.filter((name) => names.delete(name));
    if (unsubscribe.includes(wildcard)) isWildcard = false;
    const again = subscribe.filter((name) => name !== wildcard);
    for (const name of again) names.add(name);
    const everything = subscribe.includes(wildcard);
    isWildcard ||= everything;
    isExplicit ||= subscribe.length > 0;
    isFirst = false;
    const isNarrower = released.length > 0 || unsubscribe.includes(wildcard);
    return { again, released, isNarrower, everything };
  }

  return {
    get isWildcard() {
      return isWildcard;
    },
    get names() {
      return names;
    },
    wanted: (resources, name) => {
      const resource = resources?.get(name);
      if (!resource) return undefined;
      return names.has(name) || (isWildcard && resource.audience === 'all') ? resource : undefined;
    },
    replace,
    adjust,
  };
}
