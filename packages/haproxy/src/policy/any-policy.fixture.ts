import {
  builtIn,
  forTcp,
  type MergedPolicy,
  mergePolicy,
  type Protocol,
  policyProblems,
  policySchema,
  withoutGaps,
} from '@smartstack/policy';
import { gapsAt } from '@smartstack/proxy';
import fc from 'fast-check';

import {
  balance,
  body,
  causes,
  count,
  filled,
  headerChanges,
  headerName,
  host,
  key,
  letters,
  methods,
  parameterName,
  path,
  share,
  some,
  subset,
  text,
  time,
  token,
} from './any-words.fixture.ts';
import { gaps } from './gaps.ts';

/** A route as users write it; `services` are those that it may lead to. */
const route = (services: readonly string[]) =>
  some({
    name: fc.oneof(fc.constantFrom('rest', '-f', '--', 'canary'), token(`${letters}_-`, 32)),
    match: some({
      path,
      path_prefix: path,
      headers: fc.dictionary(headerName, filled(4096), { maxKeys: 3 }),
      methods,
      query: fc.dictionary(parameterName, filled(1024), { maxKeys: 2 }),
    }),
    to: fc.array(
      fc.record(
        {
          service: fc.constantFrom(...services, undefined),
          subset,
          weight: fc.integer({ min: 0, max: 1_000_000 }),
        },
        { requiredKeys: [] },
      ),
      { minLength: 1, maxLength: 5 },
    ),
    timeouts: some({ request: time, per_try: time }),
    retries: some({
      attempts: fc.integer({ min: 0, max: 10 }),
      on: causes,
      methods,
      back_off: time,
    }),
    rewrite: some({ path_prefix: path, host }),
    headers: some({ request: headerChanges, response: headerChanges }),
    fault: some({
      delay: fc.record({ time, share }, { requiredKeys: ['time'] }),
      abort: fc.record(
        { status: fc.integer({ min: 400, max: 599 }), share },
        { requiredKeys: ['status'] },
      ),
    }),
    rate_limit: fc.record(
      {
        requests: count,
        per: fc.constantFrom('100ms', '1s', '1h'),
        burst: fc.nat(1_000_000),
        by: key,
      },
      { requiredKeys: ['requests'] },
    ),
    respond: fc.record(
      { status: fc.integer({ min: 200, max: 599 }), body, type: text(128).filter(Boolean) },
      { requiredKeys: ['status'] },
    ),
    redirect: some({
      status: fc.constantFrom(301, 302, 303, 307, 308),
      scheme: fc.constantFrom('http', 'https'),
      host,
      path,
    }),
  });

const anyPolicy = (services: readonly string[]) =>
  some({
    timeouts: some({ connect: time, request: time, per_try: time, idle: time, queue: time }),
    retries: some({
      attempts: fc.integer({ min: 0, max: 10 }),
      on: causes,
      methods,
      budget: share,
      back_off: time,
    }),
    hedge: fc.record({ after: time }),
    balance,
    outlier_ejection: fc.oneof(
      fc.constant(false),
      some({
        errors: count,
        window: time,
        eject_for: fc.constantFrom('100ms', '30s', '1d'),
        max_share: share,
      }),
    ),
    limits: some({ connections: count, pending: fc.nat(1000), requests: count, per_member: count }),
    slow_start: fc.constantFrom('100ms', '30s', '1d'),
    panic: share,
    routes: fc.array(route(services), { maxLength: 5 }),
    access_log: fc.oneof(
      fc.constantFrom('json', 'text', 'off'),
      fc
        .constantFrom('%ci', `{"a":"%s"}`, `it's "%ci" #1 $HOME \\`, '%[var(txn.synapse_route)]')
        .map((format) => ({ format })),
    ),
    request_id: fc.boolean(),
    trace: fc.constantFrom('w3c', 'b3', 'off'),
    slo: fc.constant({ availability: '99.9%' }),
  });

/** The HAProxy that these policies must be good for. */
const oldestTested = '2.6';

/**
 * Any policy that is in force after the checks of a configuration: words that are refused are left out of it.
 */
export function policyInForce(
  protocol: Protocol,
  service: string,
  services: readonly string[],
): fc.Arbitrary<MergedPolicy> {
  return anyPolicy(services).map((written) => {
    const parsed = withoutGaps(policySchema.parse(written), gapsAt(gaps, oldestTested));
    let policy = protocol === 'tcp' ? forTcp(parsed) : parsed;
    for (;;) {
      const merged = mergePolicy([
        { origin: 'built-in', policy: builtIn(protocol) },
        { origin: 'service', policy },
      ]);
      const [problem] = policyProblems(merged.policy, {
        service,
        protocol,
        services: new Set(services),
      });
      if (!problem) return merged;
      policy = without(policy, problem.path);
    }
  });
}

/** A policy without the word that a problem is of, or the route. */
function without<Words extends { readonly routes?: readonly unknown[] | undefined }>(
  policy: Words,
  [word, index]: readonly (string | number)[],
): Words {
  if (word !== 'routes' || typeof index !== 'number') return { ...policy, [word ?? '']: undefined };
  return { ...policy, routes: policy.routes?.filter((_, at) => at !== index) };
}
