import { etcd } from './etcd.ts';
import { file } from './file.ts';
import type { Place, SharedRegistries } from './reporter.ts';
import { zookeeper } from './zookeeper.ts';

/** Every way to announce, by `reporter_type`. */
const table = { zookeeper, file, etcd } as const;

export type ReporterType = keyof typeof table;
export const reporterTypes = Object.keys(table) as ReporterType[];
export const reporterKeys = { ...zookeeper.keys, ...file.keys, ...etcd.keys };

type ReporterService = Parameters<(typeof table)[ReporterType]['place']>[1] & {
  readonly reporter_type?: ReporterType | undefined;
};

/** What is wrong with a service's reporter keys, by key: those it lacks, and those of other reporters. Never throws. */
export function reporterProblems(
  service: ReporterService,
  shared: SharedRegistries,
): Readonly<Record<string, string>> {
  const type = typeOf(service, shared);
  if (!Object.hasOwn(table, type)) return {};
  const foreign = reporterTypes
    .filter((other) => other !== type)
    .flatMap((other) =>
      Object.keys(table[other].keys)
        .filter((key) => key in service)
        .map((key) => [key, `only for reporter_type ${other}; this service's is ${type}`]),
    );
  return { ...Object.fromEntries(foreign), ...table[type].missing(service, shared) };
}

/** Where a service is announced. */
export function placeOf(name: string, service: ReporterService, shared: SharedRegistries): Place {
  return table[typeOf(service, shared)].place(name, service, shared);
}

function typeOf(service: ReporterService, { registry, zookeeper, etcd }: SharedRegistries) {
  const isEtcd = etcd !== undefined && zookeeper === undefined;
  return service.reporter_type ?? registry?.type ?? (isEtcd ? 'etcd' : 'zookeeper');
}
