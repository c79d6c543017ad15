import { setTimeout as sleep } from 'node:timers/promises';

import { UserError } from '@smartstack/daemon';

import type { ServiceLine, Status } from './table.ts';

/** How long a new weight may take until it is reported as not confirmed yet, in milliseconds. */
const weightTimeout = 3_000;

/**
 * Waits until the registry has confirmed that all these services are announced, or that none is; rejects
 * with a `UserError` when that takes longer than the limit, in milliseconds.
 */
export async function waitUntilAnnounced(
  names: readonly string[],
  announced: boolean,
  { status, limit }: { status(): Promise<Status>; readonly limit: number },
): Promise<void> {
  const deadline = performance.now() + limit;
  for (;;) {
    const { services, registry_away: isAway } = await status();
    const others = names.filter((name) => !isConfirmed(services[name], announced));
    if (others.length === 0) return;
    if (performance.now() > deadline) {
      const still = `${others.join(', ')}: still ${announced ? 'not ' : ''}announced after ${limit / 1000} s`;
      throw new UserError(`${still}${isAway ? whyAway(announced) : '; nerve status says why'}`);
    }
    await sleep(100);
  }
}

/** The result of a new weight, once the registry has confirmed it or after a while without that. */
export async function weightResult(
  service: string,
  weight: string,
  status: () => Promise<Status>,
): Promise<string> {
  const deadline = performance.now() + weightTimeout;
  for (;;) {
    const { services, registry_away: isAway } = await status();
    const line = services[service];
    if (isAway)
      return `${service}: the registry does not answer; nerve announces ${weight} once it does`;
    // One that is not up is announced with it once it is up.
    if (!line || line.confirmed || line.because !== 'up') return `${service} has ${weight}`;
    if (performance.now() > deadline)
      return `${service}: ${weight} is not confirmed yet: ${line.trouble ?? 'the registry has not answered'}; nerve tries again, and nerve status shows the result`;
    await sleep(50);
  }
}

/** Whether a service is certainly announced, or certainly not: a record that may be in the registry may be used. */
function isConfirmed(line: ServiceLine | undefined, announced: boolean): boolean {
  if (announced) return line?.announced === true;
  return !(line?.announced || line?.may_stand);
}

function whyAway(announced: boolean): string {
  return announced
    ? ': the registry does not answer; nerve announces it once it does'
    : ': the registry does not answer, so the record may still be used; nerve withdraws it once it does';
}
