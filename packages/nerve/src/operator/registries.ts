import type { RegistryLine, ServiceLine, Status } from './status-lines.ts';

/** What each registry has of a service; an earlier nerve tells of one only. */
export function registriesOf(service: ServiceLine): readonly RegistryLine[] {
  return service.registries ?? [{ registry: 'the registry', away: false, ...service }];
}

/** Some registries in words: `the registry` where there is one only, else their names. */
export function namesOf(status: Status, which: (registry: RegistryLine) => boolean): string {
  const all = Object.values(status.services).flatMap(registriesOf);
  const names = new Set(all.map(({ registry }) => registry));
  const some = new Set(all.filter(which).map(({ registry }) => registry));
  return names.size <= 1 || some.size === 0 ? 'the registry' : inWords([...some]);
}

/** `a`, `a and b`, `a, b and c`. */
export function inWords(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
