import { setTimeout as sleep } from 'node:timers/promises';

import type { Log } from '@smartstack/daemon';

import type { Services } from './services.ts';

export interface AwaitWithdrawalDeps {
  readonly log: Log;
  /** Whether a registry does not answer now. */
  isAway(): boolean;
  /** In milliseconds. */
  readonly deadline: number;
}

/** Waits until all services have ended, or until the deadline: then the log names those that may be in the registry. */
export async function awaitWithdrawal(
  services: Services,
  { log, isAway, deadline }: AwaitWithdrawalDeps,
): Promise<void> {
  const late = sleep(deadline, 'late', { ref: false });
  if ((await Promise.race([services.ended(), late])) !== 'late') return;
  const left = services.all().flatMap((service) => {
    const { registries } = service.status();
    const where = registries.filter(({ announced, may_stand: mayStand }) => announced || mayStand);
    if (where.length === 0) return [];
    const named =
      registries.length > 1 ? ` (${where.map(({ registry }) => registry).join(', ')})` : '';
    return [`${service.name}${named}`];
  });
  log.error(
    {
      withdrawDeadline: deadline,
      services: left,
      reason: isAway() ? 'the registry does not answer' : 'the registry has not confirmed it',
      fix: 'their records may be used until the session of this nerve ends; a persistent one is to be deleted by hand',
    },
    'not everything was withdrawn in time',
  );
}
