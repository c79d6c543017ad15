import type { Resource } from '../resource.ts';

/** What one client has of one type, as far as is known. */
export interface View {
  /** The version that it has: empty for "there is none", undefined where that is not known. */
  version(name: string): string | undefined;
  /** Whether anything is known of this name. */
  knows(name: string): boolean;
  /** Whether it surely has it, in whatever version. */
  has(name: string): boolean;
  /** It has this resource. */
  took(resource: Resource): void;
  /** It has this version from an earlier stream. */
  claims(name: string, version: string): void;
  /** It knows that there is none. */
  lacks(name: string): void;
  /** It may have another version, or have forgotten it. */
  doubt(name: string): void;
  /** It may have what it was sent, or not. */
  mayHave(name: string): void;
  /** Whatever it was, it is no longer of interest. */
  forget(name: string): void;
  names(): readonly string[];
  /** How many resources it has. */
  readonly count: number;
  readonly size: number;
  /** All that it has once it takes these changes, by name; only where resources are kept. */
  after(changes: ReadonlyMap<string, Resource | undefined>): readonly Resource[];
}

interface Held {
  readonly version: string | undefined;
  /** Kept where a later response has to repeat it. */
  readonly resource?: Resource | undefined;
  /** Whether the client may have none. */
  readonly isUnsure?: boolean;
}

/** The version of what does not exist. */
export const none = '';

/** Equal lists are in equal order, so that they are encoded once for all who are sent them. */
export const byName = (a: Resource, b: Resource): number => (a.name < b.name ? -1 : 1);

export function createView(keepsResources: boolean): View {
  const held = new Map<string, Held>();
  const isThere = (one: Held | undefined) =>
    one !== undefined && one.version !== none && !one.isUnsure;

  return {
    version: (name) => held.get(name)?.version,
    knows: (name) => held.has(name),
    has: (name) => isThere(held.get(name)),
    took: (resource) => {
      const { name, version } = resource;
      held.set(name, keepsResources ? { version, resource } : { version });
    },
    claims: (name, version) => {
      held.set(name, { version: version === none ? undefined : version });
    },
    lacks: (name) => {
      held.set(name, { version: none });
    },
    doubt: (name) => {
      const one = held.get(name);
      if (one?.version === none) held.delete(name);
      else if (one) held.set(name, { ...one, version: undefined });
    },
    mayHave: (name) => {
      const one = held.get(name);
      held.set(name, { resource: one?.resource, version: undefined, isUnsure: !isThere(one) });
    },
    forget: (name) => {
      held.delete(name);
    },
    names: () => [...held.keys()],
    get count() {
      let count = 0;
      for (const one of held.values()) if (isThere(one)) count += 1;
      return count;
    },
    get size() {
      return held.size;
    },
    after: (changes) => {
      const view = new Map<string, Resource>();
      for (const [name, { resource }] of held) if (resource) view.set(name, resource);
      for (const [name, resource] of changes) {
        if (resource) view.set(name, resource);
        else view.delete(name);
      }
      return [...view.values()].sort(byName);
    },
  };
}
