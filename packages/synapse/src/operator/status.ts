import type { Output, Service } from '@smartstack/proxy';
import { statusOf } from '@smartstack/proxy';
import { troubleOf } from '../discovery/trace.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';

/** What `GET /status` shows: every service with its members, and what each proxy says of itself. */
export function describeStatus(
  reconciler: Pick<Reconciler, 'snapshot' | 'get' | 'failure' | 'refusedPolicy' | 'trouble'>,
  outputs: readonly Output[],
): object {
  return {
    services: Object.fromEntries(
      [...reconciler.snapshot()].map(([name, one]) => [name, describeService(one, reconciler)]),
    ),
    proxies: Object.fromEntries(
      outputs.map((output) => [
        output.name,
        withTrouble(statusOf(output), reconciler.trouble(output.name)),
      ]),
    ),
  };
}

/** What a proxy says of itself, with a trouble that only the reconciler knows. */
function withTrouble(status: unknown, trouble: string | undefined): unknown {
  if (trouble === undefined) return status;
  const { trouble: own } = (status ?? {}) as { readonly trouble?: string | null };
  return { ...(status ?? {}), trouble: own ?? trouble };
}

function describeService(
  { name, instances, missing, defaults, stale = false, stalePolicy = false, origin }: Service,
  { get, failure, refusedPolicy }: Pick<Reconciler, 'get' | 'failure' | 'refusedPolicy'>,
): object {
  const held = get(name)?.guard?.held();
  return {
    heard: (instances ?? missing) !== undefined,
    trouble: troubleOf(failure(name), get(name)?.trace) ?? null,
    stale: instances === undefined && stale,
    members: instances ?? (stale ? defaults : []),
    held: held ? { members: held.members, until: new Date(held.until).toISOString() } : null,
    policy_refused: refusedPolicy(name),
    policy_stale: stalePolicy,
    configured_at: origin,
  };
}
