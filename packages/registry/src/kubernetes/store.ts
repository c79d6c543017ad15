import type { Slice } from './slice.ts';

/** The slices of one namespace or cluster as they are known now, by the service that they belong to. */
export interface Store {
  /** A service's slices, in the order of their names. */
  of(service: string): readonly Slice[];
  /**
   * Takes a whole list in place of what was known; answers the services that changed. `isOther` is for a registry that
   * counts its versions anew: the same version then may be another content.
   */
  replace(list: readonly Slice[], isOther: boolean): ReadonlySet<string>;
  /** Takes a new version of a slice; answers the services that changed. */
  put(slice: Slice): ReadonlySet<string>;
  remove(slice: Slice): ReadonlySet<string>;
  readonly size: number;
}

/** What a service is known as. */
export function serviceKey(namespace: string, service: string): string {
  return `${namespace}/${service}`;
}

export function createStore(): Store {
  let slices = new Map<string, Slice>();
  let byService = new Map<string, Map<string, Slice>>();

  function drop(slice: Slice | undefined): readonly string[] {
    if (!slice) return [];
    slices.delete(idOf(slice));
    const service = ownerOf(slice);
    if (service === undefined) return [];
    const rest = byService.get(service);
    rest?.delete(slice.name);
    if (rest?.size === 0) byService.delete(service);
    return [service];
  }

  function add(slice: Slice): readonly string[] {
    const service = ownerOf(slice);
    // One that belongs to no service is never asked for.
    if (service === undefined) return [];
    slices.set(idOf(slice), slice);
    const known = byService.get(service) ?? new Map<string, Slice>();
    known.set(slice.name, slice);
    byService.set(service, known);
    return [service];
  }

  return {
    get size() {
      return slices.size;
    },
    of: (service) =>
      [...(byService.get(service)?.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1)),
    replace: (list, isOther) => {
      const before = slices;
      slices = new Map();
      byService = new Map();
      const changed = new Set<string>();
      for (const slice of list) {
        const known = before.get(idOf(slice));
        const isSame = !isOther && known?.resourceVersion === slice.resourceVersion;
        // What was made of it is kept with the slice.
        for (const service of add(isSame ? known : slice)) if (!isSame) changed.add(service);
      }
      for (const [id, slice] of before) {
        const after = slices.get(id);
        if (after && ownerOf(after) === ownerOf(slice)) continue;
        changed.add(ownerOf(slice) ?? '');
      }
      return changed;
    },
    put: (slice) => new Set([...drop(slices.get(idOf(slice))), ...add(slice)]),
    remove: (slice) => new Set(drop(slices.get(idOf(slice)))),
  };
}

function idOf({ namespace, name }: Slice): string {
  return `${namespace}/${name}`;
}

function ownerOf({ namespace, service }: Slice): string | undefined {
  return service === undefined ? undefined : serviceKey(namespace, service);
}
