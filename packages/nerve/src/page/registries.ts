import type { PageNotice, PageView } from '@smartstack/daemon';

import type { PlaceStatus } from '../services/service-place.ts';

type Facts = PageView['facts'];

/** Whether each registry answers: one fact where there is one, else one for each by its name. */
export function registryFacts(all: readonly PlaceStatus[], isAnyAway: boolean): Facts {
  const names = [...new Set(all.map(({ registry }) => registry))];
  if (names.length < 2) return [factOf('registry', isAnyAway)];
  return names.map((name) =>
    factOf(
      name,
      all.some(({ registry, away }) => registry === name && away),
    ),
  );
}

function factOf(name: string, isAway: boolean): Facts[number] {
  return [name, isAway ? 'away' : 'well', isAway ? 'warn' : 'good'];
}

/** What is said of registries that do not answer. */
export function awayNotice(facts: Facts): PageNotice {
  const away = facts.filter(([, value]) => value === 'away').map(([name]) => name);
  const who = facts.length < 2 || away.length === 0 ? 'The registry' : away.join(', ');
  return {
    tone: 'warn',
    title: 'Registry away',
    text: `${who} does not answer. What was announced stays until its session times out there; changes are announced when it is back.`,
  };
}

/** Where a service is announced, or not. */
export function announcedFact(
  { registry, path, announced, trouble }: PlaceStatus,
  count: number,
): readonly [label: string, value: string] {
  const where = announced ? path : `not now (${path})`;
  return count < 2
    ? ['announced at', where]
    : [registry, `${where}${trouble === undefined ? '' : `: ${trouble}`}`];
}
