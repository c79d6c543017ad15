import { keyOfPlace, type SharedRegistries } from '../announce/reporters/reporter.ts';
import { placeOf, reporterProblems } from '../announce/reporters/table.ts';
import type { ParsedService } from './service-schema.ts';

/** What is wrong with a key, by its path. */
export type Problem = readonly [path: readonly string[], message: string];

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
      Object.entries(reporterProblems(service, config)).map(
        ([key, message]): Problem => [['services', name, key], message],
      ),
    );
}

/** Services that announce the same address at one place, where each would hide the other. */
export function endpointConflicts(config: ServicesConfig): readonly Problem[] {
  const owners = new Map<string, string>();
  return Object.entries(config.services).flatMap(([name, service]): readonly Problem[] => {
    const place = placeOf(name, service, config);
    const { host, port } = service;
    const key = JSON.stringify([keyOfPlace(place), host.toLowerCase(), port]);
    const owner = owners.get(key);
    if (owner === undefined) owners.set(key, name);
    const problem = (of: string, other: string): Problem => [
      ['services', of, 'port'],
      `services.${other} announces ${host}:${port} at ${place.path} as well`,
    ];
    return owner === undefined ? [] : [problem(owner, name), problem(name, owner)];
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
