import type { SharedRegistries } from '../announce/reporters/reporter.ts';
import {
  flatTypeOf,
  keyOfPlace,
  placesOf,
  registryNames,
  reporterKeys,
  reporterProblems,
} from '../announce/reporters/table.ts';
import type { ParsedService } from './service-schema.ts';

/** What is wrong with a key, by its path. */
export type Problem = readonly [path: readonly (string | number)[], message: string];

/** The part of the configuration that the services' keys depend on. */
interface ServicesConfig extends SharedRegistries {
  readonly services: Readonly<Record<string, ParsedService>>;
}

/** The keys that a service lacks, and those of other reporters. Single keys may still have wrong types here. */
export function reporterKeyProblems(config: ServicesConfig): readonly Problem[] {
  if (!isRecord(config) || !isRecord(config.services)) return [];
  return Object.entries(config.services)
    .filter(([, service]) => isRecord(service))
    .flatMap(([name, service]) =>
      service.reporters === undefined
        ? problemsOf(['services', name], flatTypeOf(service, config), service, config)
        : reportersProblems(name, service, config),
    );
}

/** What is wrong with `reporters`: flat keys beside them, and the entries' keys and names. */
function reportersProblems(
  service: string,
  keys: ParsedService,
  shared: SharedRegistries,
): readonly Problem[] {
  const both = ['reporter_type', ...Object.keys(reporterKeys)]
    .filter((key) => key in keys)
    .map(
      (key): Problem => [
        ['services', service, key],
        `either here or in an entry of services.${service}.reporters, not both`,
      ],
    );
  const entries = Array.isArray(keys.reporters) ? keys.reporters.filter(isRecord) : [];
  const names = registryNames(entries);
  return [
    ...both,
    ...entries.flatMap(({ type, name: _, ...own }, index): readonly Problem[] => {
      const path = ['services', service, 'reporters', index];
      const twin = names.indexOf(names[index] ?? '');
      return [
        ...(type === undefined ? [] : problemsOf(path, type, own, shared)),
        ...(type !== undefined && twin < index
          ? [[[...path, 'name'], `reporters[${twin}] is called ${names[index]} as well`] as const]
          : []),
      ];
    }),
  ];
}

function problemsOf(
  path: Problem[0],
  ...reporter: Parameters<typeof reporterProblems>
): readonly Problem[] {
  return Object.entries(reporterProblems(...reporter)).map(
    ([key, message]): Problem => [[...path, key], message],
  );
}

/** Services that announce the same address at one place, where each would hide the other. */
export function endpointConflicts(config: ServicesConfig): readonly Problem[] {
  const owners = new Map<string, { readonly name: string; readonly index: number }>();
  return Object.entries(config.services).flatMap(([name, service]) => {
    const { host, port } = service;
    const problem = (of: string, other: string, path: string): Problem => [
      ['services', of, 'port'],
      `services.${other} announces ${host}:${port} at ${path} as well`,
    ];
    return placesOf(name, service, config).flatMap((place, index): readonly Problem[] => {
      const key = JSON.stringify([keyOfPlace(place), host.toLowerCase(), port]);
      const owner = owners.get(key);
      owners.set(key, owner ?? { name, index });
      if (owner === undefined) return [];
      if (owner.name !== name)
        return [problem(owner.name, name, place.path), problem(name, owner.name, place.path)];
      return [
        [['services', name, 'reporters', index], `the same place as reporters[${owner.index}]`],
      ];
    });
  });
}

/** Services with a `warmup`, but without a weight that can grow. */
export function uselessWarmups({ services }: ServicesConfig): readonly Problem[] {
  return Object.entries(services)
    .filter(([, { warmup, weight = 0 }]) => warmup !== undefined && weight < 2)
    .map(([name]) => [['services', name, 'warmup'], 'needs a weight of 2 or more that can grow']);
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
