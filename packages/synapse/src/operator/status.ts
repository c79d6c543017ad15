import type { Output } from '@smartstack/proxy';
import { statusOf } from '@smartstack/proxy';
import type { Reconciler } from '../reconcile/reconciler.ts';

/** What `GET /status` shows: every service with its members, and what each proxy says of itself. */
export function describeStatus(
  { snapshot, get, failure }: Pick<Reconciler, 'snapshot' | 'get' | 'failure'>,
  outputs: readonly Output[],
): object {
  return {
    services: Object.fromEntries(
      [...snapshot()].map(([name, { instances, missing, defaults, stale = false, origin }]) => {
        const held = get(name)?.guard?.held();
        return [
          name,
          {
            heard: (instances ?? missing) !== undefined,
            trouble: failure(name) ?? null,
            stale: instances === undefined && stale,
            members: instances ?? (stale ? defaults : []),
            held: held
              ? { members: held.members, until: new Date(held.until).toISOString() }
              : null,
            configured_at: origin,
          },
        ];
      }),
    ),
    proxies: Object.fromEntries(outputs.map((output) => [output.name, statusOf(output)])),
  };
}
