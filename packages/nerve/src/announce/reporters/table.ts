import type { OpenedRegistries } from '@smartstack/registry';
import type { z } from 'zod';

import { consul } from './consul.ts';
import { etcd } from './etcd.ts';
import { file } from './file.ts';
import type {
  OpenedPlace,
  PlaceContext,
  PlaceKeys,
  Reporter,
  SharedRegistries,
} from './reporter.ts';
import { zookeeper } from './zookeeper.ts';

/** Every way to announce, by its type. */
const table = { zookeeper, file, etcd, consul } as const;

export type ReporterType = keyof typeof table;
export const reporterTypes = Object.keys(table) as ReporterType[];
export const reporterKeys = { ...zookeeper.keys, ...file.keys, ...etcd.keys, ...consul.keys };

/** One place where a service is announced. */
export type Place = {
  [T in ReporterType]: ReturnType<(typeof table)[T]['place']> & {
    readonly type: T;
    /** What status and metrics call it; no two of a service have the same. */
    readonly registry: string;
  };
}[ReporterType];

type Keys = Parameters<(typeof table)[ReporterType]['place']>[1];

/** A service's keys that say where it is announced: either flat, or several in `reporters`. */
type ReporterService = Keys & {
  readonly reporter_type?: ReporterType | undefined;
  readonly reporters?: readonly ReporterEntry[] | undefined;
};

/** One entry of `reporters`. */
type ReporterEntry = Omit<Keys, 'check_interval'> & {
  readonly type: ReporterType;
  readonly name?: string | undefined;
};

/** What is wrong with the keys of one reporter, by key: those it lacks, and those of others. Never throws. */
export function reporterProblems(
  type: ReporterType,
  keys: Partial<Keys>,
  shared: SharedRegistries,
): Readonly<Record<string, string>> {
  if (!Object.hasOwn(table, type)) return {};
  const foreign = reporterTypes
    .filter((other) => other !== type)
    .flatMap((other) =>
      Object.keys(table[other].keys)
        .filter((key) => key in keys && !Object.hasOwn(table[type].keys, key))
        .map((key) => [key, `only for reporter_type ${other}; this service's is ${type}`]),
    );
  return { ...Object.fromEntries(foreign), ...table[type].missing(keys as Keys, shared) };
}

/** The reporter that a service has with its flat keys. */
export function flatTypeOf(
  { reporter_type: type }: Pick<ReporterService, 'reporter_type'>,
  { registry, zookeeper: ensemble, etcd: cluster, consul: agent }: SharedRegistries,
): ReporterType {
  const named = type ?? registry?.type;
  if (named !== undefined || ensemble !== undefined) return named ?? 'zookeeper';
  if (cluster !== undefined) return 'etcd';
  return agent === undefined ? 'zookeeper' : 'consul';
}

/** Where a service is announced: one place, or several. */
export function placesOf(
  name: string,
  service: ReporterService,
  shared: SharedRegistries,
): readonly Place[] {
  const { reporters, check_interval } = service;
  if (reporters === undefined) {
    const type = flatTypeOf(service, shared);
    return [placeOf(name, { type, registry: type }, service, shared)];
  }
  const names = registryNames(reporters);
  return reporters.map((entry, index) => {
    const { [index]: registry = entry.type } = names;
    return placeOf(name, { type: entry.type, registry }, { ...entry, check_interval }, shared);
  });
}

/** What the entries are called: as they say, else by their type, numbered from the second on. */
export function registryNames(
  entries: readonly Pick<ReporterEntry, 'type' | 'name'>[],
): readonly string[] {
  const seen = new Map<string, number>();
  return entries.map(({ type, name }) => {
    const count = (seen.get(type) ?? 0) + 1;
    seen.set(type, count);
    return name ?? (count === 1 ? type : `${type}-${count}`);
  });
}

/** Equal for two ways to write one place. */
export function keyOfPlace(place: Place): string {
  return JSON.stringify([place.type, reporterOf(place).identity(place)]);
}

/** Where a place is, in words. */
export function describePlace(place: Place, about: PlaceContext): string {
  return reporterOf(place).describe(place, about);
}

/** The registry of a place, which announces in its form. */
export function openPlace(place: Place, registries: OpenedRegistries): OpenedPlace {
  return reporterOf(place).open(place, registries);
}

function placeOf(
  name: string,
  called: Pick<Place, 'type' | 'registry'>,
  keys: Keys,
  shared: SharedRegistries,
): Place {
  return { ...called, ...table[called.type].place(name, keys, shared) } as Place;
}

/** A place is only ever given to the reporter that made it. */
function reporterOf({ type }: Place): Reporter<z.ZodRawShape, PlaceKeys> {
  return table[type] as Reporter<z.ZodRawShape, PlaceKeys>;
}
