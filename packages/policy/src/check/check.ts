import { isOfRequests } from '../for-tcp.ts';
import type { Policy } from '../words/policy.ts';
import { writtenTime } from '../words/written.ts';
import type { PolicyContext, PolicyProblem } from './problem.ts';
import { routesProblems } from './routes.ts';
import { wordsOf } from './words-of.ts';

/** What is wrong with words of a whole policy that are each right. */
export function policyProblems(policy: Policy, context: PolicyContext): readonly PolicyProblem[] {
  return [
    ...httpProblems(policy, context),
    ...timeProblems(policy, []),
    ...(policy.routes ?? []).flatMap((route, index) =>
      timeProblems(
        {
          timeouts: { ...policy.timeouts, ...route.timeouts },
          retries: { ...policy.retries, ...route.retries },
        },
        ['routes', index],
        route,
      ),
    ),
    ...routesProblems(policy.routes ?? [], context),
  ];
}

const httpOnly: ReadonlySet<string> = new Set([
  'timeouts.request',
  'timeouts.per_try',
  'retries.methods',
  'retries.budget',
  'hedge.after',
  'routes',
  'request_id',
  'trace',
  'slo.latency',
]);

function httpProblems(policy: Policy, { protocol }: PolicyContext): readonly PolicyProblem[] {
  if (protocol !== 'tcp') return [];
  const fix = 'needs `protocol: http`; this service is tcp';
  const found = wordsOf(policy).filter(({ word }) => httpOnly.has(word));
  const problems = found.map(({ path }): PolicyProblem => ({ path, message: fix }));
  const causes = policy.retries?.on ?? [];
  if (causes.some((cause) => cause !== 'connect_failure'))
    problems.push({
      path: ['retries', 'on'],
      message: `only connect_failure can be tried again without \`protocol: http\``,
    });
  if (policy.balance && isOfRequests(policy.balance))
    problems.push({ path: ['balance'], message: `a header or a cookie ${fix}` });
  return problems;
}

type Times = Pick<Policy, 'timeouts' | 'retries'>;

/** `own` is what the route itself says, where the times are those of a route. */
function timeProblems(
  { timeouts = {}, retries = {} }: Times,
  at: readonly (string | number)[],
  own: Times = { timeouts, retries },
): readonly PolicyProblem[] {
  const { request, per_try: perTry } = timeouts;
  if (request === undefined || perTry === undefined) return [];
  if (at.length > 0 && !(own.timeouts || own.retries?.attempts !== undefined)) return [];
  const tries = 1 + (retries.attempts ?? 0);
  if (perTry * tries <= request) return [];
  return [
    {
      path: [...at, 'timeouts', own.timeouts?.per_try === undefined ? 'request' : 'per_try'],
      message: `${tries} tries (retries.attempts ${tries - 1}) of ${writtenTime(perTry)} take ${writtenTime(perTry * tries)}, more than the request's ${writtenTime(request)}; lower per_try or attempts, or raise request`,
    },
  ];
}
