import { setTimeout as sleep } from 'node:timers/promises';

import { UserError } from '@smartstack/daemon';

import { inWords, namesOf, registriesOf } from './registries.ts';
import type { RegistryLine, ServiceLine, Status } from './status-lines.ts';

/** How long a new weight may take until it is reported as not confirmed yet, in milliseconds. */
const weightTimeout = 3_000;

/**
 * Waits until every registry has confirmed that all these services are announced, or that none is; rejects
 * with a `UserError` when that takes longer than the limit, in milliseconds, which says what each has confirmed.
 */
export async function waitUntilAnnounced(
  names: readonly string[],
  announced: boolean,
  { status, limit }: { status(): Promise<Status>; readonly limit: number },
): Promise<void> {
  const deadline = performance.now() + limit;
  for (;;) {
    const now = await status();
    const waiting = names.flatMap((name) => unconfirmed(name, now.services[name], announced));
    if (waiting.length === 0) return;
    if (performance.now() > deadline) {
      const still = `${waiting.map(({ text }) => text).join(', ')}: still ${announced ? 'not ' : ''}announced after ${limit / 1000} s`;
      const isAway = now.registry_away || waiting.some(({ away }) => away);
      const why = isAway ? whyAway(announced, now) : '; nerve status says why';
      throw new UserError(`${still}${why}${confirmedBy(names, announced, now)}`);
    }
    await sleep(100);
  }
}

/** The result of a new weight, once the registries have confirmed it or after a while without that. */
export async function weightResult(
  service: string,
  weight: string,
  status: () => Promise<Status>,
): Promise<string> {
  const deadline = performance.now() + weightTimeout;
  for (;;) {
    const { services, registry_away: isAway } = await status();
    const line = services[service];
    // One that is not up is announced with it once it is up.
    if (!line || line.confirmed || line.because !== 'up') return `${service} has ${weight}`;
    const registries = registriesOf(line);
    const waiting = registries.filter(({ confirmed }) => !confirmed);
    const isWaitingForAway = line.registries ? waiting.every(({ away }) => away) : isAway;
    if (registries.length < 2 && isWaitingForAway)
      return `${service}: the registry does not answer; nerve announces ${weight} once it does`;
    if (isWaitingForAway || performance.now() > deadline)
      return registries.length < 2
        ? `${service}: ${weight} is not confirmed yet: ${line.trouble ?? 'the registry has not answered'}; nerve tries again, and nerve status shows the result`
        : `${service} has ${weight} ${inSome(registries)}`;
    await sleep(50);
  }
}

/** Where a new weight is in force, and where it is not. */
function inSome(registries: readonly RegistryLine[]): string {
  const done = registries.filter(({ confirmed }) => confirmed).map(({ registry }) => registry);
  const waiting = registries
    .filter(({ confirmed }) => !confirmed)
    .map(({ registry, away, trouble }) =>
      away
        ? `${registry} does not answer`
        : `not yet in ${registry}: ${trouble ?? 'no answer yet'}`,
    );
  const where = done.length > 0 ? `in ${inWords(done)}` : 'nowhere yet';
  return `${where}; ${waiting.join('; ')}; nerve tries again, and nerve status shows the result`;
}

/** Where a service is not certainly announced, or not certainly gone. */
function unconfirmed(name: string, line: ServiceLine | undefined, announced: boolean) {
  if (!line) return announced ? [{ text: name, away: false }] : [];
  const registries = registriesOf(line);
  const waiting = registries.filter((each) => !isConfirmed(each, announced));
  if (waiting.length === 0) return [];
  const where = registries.length > 1 ? ` in ${inWords(waiting.map((each) => each.registry))}` : '';
  return [{ text: `${name}${where}`, away: waiting.some(({ away }) => away) }];
}

/** Whether a registry certainly has a service, or certainly not: a record that may be there may be used. */
function isConfirmed(line: RegistryLine, announced: boolean): boolean {
  return announced ? line.announced : !(line.announced || line.may_stand);
}

/** For services with several registries: how many of them each has confirmed. */
function confirmedBy(names: readonly string[], announced: boolean, { services }: Status): string {
  const lines = names.flatMap((name) => services[name] ?? []).map(registriesOf);
  if (lines.every(({ length }) => length < 2)) return '';
  const all = lines.flat();
  const texts = [...new Set(all.map(({ registry }) => registry))].map((name) => {
    const own = all.filter(({ registry }) => registry === name);
    const confirmed = own.filter((each) => isConfirmed(each, announced)).length;
    return `${name} ${confirmed} of ${own.length}`;
  });
  return `. Confirmed: ${texts.join(', ')}`;
}

function whyAway(announced: boolean, status: Status): string {
  const away = namesOf(status, (registry) => registry.away);
  return announced
    ? `: ${away} does not answer; nerve announces it once it does`
    : `: ${away} does not answer, so the record may still be used; nerve withdraws it once it does`;
}
