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

import { gaps } from './gaps.ts';

/** Text that a parser of HAProxy's file may take for more than text. */
export const hostile = [
  '}',
  '{ ',
  '"',
  "'",
  `'"`,
  '%',
  '%%',
  '%[env(HOME)]',
  '%ci',
  '\\',
  '\\x0a',
  '\\1',
  '$HOME',
  '$' + '{HOME}',
  '#',
  ' # x',
  '-f',
  '-m',
  '--',
  'if',
  'unless',
  'or',
  '||',
  ' a  b ',
  'ü✓😀',
  '\u0085',
  ';',
  ',',
  ')',
] as const;

/** Any text without control characters. */
export const text = (most = 64): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom(...hostile),
    fc.array(fc.constantFrom(...hostile, 'a'), { maxLength: 4 }).map((parts) => parts.join('')),
    fc
      .string({ unit: 'grapheme', maxLength: most })
      .map((all) => all.replace(/\p{Cc}/gu, '').slice(0, most)),
    { weight: 1, arbitrary: fc.constant('é'.repeat(most)) },
  );

const time = fc.oneof(
  fc.constantFrom('100ms', '1.5s', '30s', '1m', '1h', 1, 0.25),
  fc.integer({ min: 100, max: 86_400_000 }).map((each) => `${each}ms`),
);
const share = fc.oneof(
  fc.constantFrom('0%', '0.0001%', '100%'),
  fc.integer({ min: 0, max: 100 }).map((each) => `${each}%`),
);
const count = fc.oneof(fc.constantFrom(1, 1_000_000), fc.integer({ min: 1, max: 2000 }));
const token = (characters: string, most: number) =>
  fc
    .array(fc.constantFrom(...characters), { minLength: 1, maxLength: most })
    .map((each) => each.join(''));
const letters = 'abcxyzABCXYZ0189';
const headerName = fc.oneof(
  fc.constantFrom('x-user', '-f', '-m', '--', 'if', 'unless', '0', 'accept'),
  token(`${letters}-_`, 128),
);
const parameterName = fc.oneof(fc.constantFrom('-f', 'v', '~', '.'), token(`${letters}_.~-`, 128));
const method = fc.oneof(fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS'), token('ABCXYZ', 32));
const methods = fc.uniqueArray(method, { minLength: 1, maxLength: 32 });
export const path = fc
  .oneof(
    fc.constantFrom('', 'v2', 'v2/', "it's", '%2e', '$HOME', '$&', 'a;b,c(d)*+!'),
    token(`${letters}._~!$&'()*+,;=:@%/-`, 1023),
  )
  .map((rest) => `/${rest}`);
const some = <Words extends object>(words: { [Key in keyof Words]: fc.Arbitrary<Words[Key]> }) =>
  fc.record(words, { requiredKeys: [] });
/** The same where a text may not be empty. */
const filled = (most: number) => text(most).map((each) => each || 'x');

const values = fc.dictionary(headerName, text(4096), { maxKeys: 3 });
const key = fc.oneof(
  headerName.map((header) => ({ header })),
  parameterName.map((cookie) => ({ cookie })),
  fc.constant('source'),
);
const balance = fc.oneof(
  fc.constantFrom('round_robin', 'least_request', 'random'),
  key.map((each) => ({ ring_hash: each })),
  key.map((each) => ({ maglev: each })),
);
const causes = fc.uniqueArray(
  fc.constantFrom(
    'connect_failure',
    'reset',
    'timeout',
    401,
    403,
    404,
    408,
    425,
    429,
    500,
    501,
    502,
    503,
    504,
  ),
  { minLength: 1 },
);
const subset = fc.dictionary(
  fc
    .oneof(fc.constantFrom('version', 'zone', 'route', 'limit', '__proto__'), text(128))
    .filter(Boolean),
  fc.oneof(fc.constantFrom('v1', 'v2', 'v2.all', 'a,b=c', true, 5), text()),
  { maxKeys: 2 },
);
const host = fc.constantFrom('web.internal', '[::1]:80', 'a_b', 'www.example.com:8080');
const headerChanges = some({
  set: values,
  add: values,
  remove: fc.array(headerName, { maxLength: 3 }),
});
const body = fc.oneof(
  text(1024),
  fc.constantFrom('', 'a\nb', '\r\n\r\n', '\u0001\t', 'x'.repeat(1024), "'\n# if"),
);

/** A route as users write it; `services` are those that it may lead to. */
export const route = (services: readonly string[]) =>
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
