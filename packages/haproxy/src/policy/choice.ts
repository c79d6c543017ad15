import { type Policy, routeNames } from '@smartstack/policy';

import { routeAcl } from './routes.ts';
import type { Candidate, Front, RouteTargets } from './traffic.ts';
import { keyOf, whole } from './values.ts';

export interface ChoiceInput {
  readonly service: string;
  readonly policy: Policy;
  readonly front: Front;
  /** The file of HAProxy's map. */
  readonly map: string;
}

type Rule = 'http-request' | 'tcp-request content';

/** Lines that choose the target of a request, before those that choose its backend. */
export function splitLines(
  { service, policy, front, map }: ChoiceInput,
  rule: Rule = 'http-request',
): readonly string[] {
  const names = routeNames(policy.routes ?? []);
  return [
    ...panicLines(candidatesOf(front), rule),
    ...front.routes.flatMap((route, index) => {
      const name = names[index] ?? '';
      if (route && isNowhere(route)) return [`http-request deny status 503 if ${routeAcl(name)}`];
      const count = route?.targets.length ?? 0;
      return count > 1 ? diceLines({ service, name, count, map }) : [];
    }),
  ];
}

/** Whether none of its services has a backend: no other member may answer the requests of such a route. */
const isNowhere = ({ targets, fallback }: RouteTargets) =>
  fallback.length === 0 && targets.every(({ candidates }) => candidates.length === 0);

function diceLines(of: { service: string; name: string; count: number; map: string }) {
  const { service, name, count, map } = of;
  const acl = routeAcl(name);
  const targets = Array.from({ length: count - 1 }, (_, index) => index + 1);
  return [
    `http-request set-var(txn.synapse_dice) rand(${whole}) if ${acl}`,
    `http-request set-var(txn.synapse_split) str(${keyOf(service, name, 'split')}),map_str(${map}) if ${acl}`,
    ...targets.flatMap((target) => [
      `http-request set-var(txn.synapse_end) var(txn.synapse_split),field(${target + 1},:) if ${acl}`,
      `http-request set-var(txn.synapse_target) int(${target}) if ${acl} !{ var(txn.synapse_target) -m found } { var(txn.synapse_dice),sub(txn.synapse_end) -m int lt 0 }`,
    ]),
    `http-request set-var(txn.synapse_target) int(${count}) if ${acl} !{ var(txn.synapse_target) -m found }`,
  ];
}

/** How many members each backend would have to have for its own to serve. */
function panicLines(candidates: readonly Candidate[], rule: Rule): readonly string[] {
  return candidates.flatMap(({ backend, panic, below }) =>
    panic === undefined || below === undefined
      ? []
      : [
          // Of the session, which costs less: it is the same for all requests.
          `${rule} set-var(sess.${panicVar(backend)}) nbsrv(${panic}),mul(${Math.round(below * 1000)})`,
          `acl ${panicVar(backend)} nbsrv(${backend}),mul(1000),sub(sess.${panicVar(backend)}) -m int lt 0`,
        ],
  );
}

/** A name of its own for each backend, in the characters that a variable's may have. */
const panicVar = (backend: string) =>
  `synapse_panic_${backend.replaceAll('_', '__').replaceAll('-', '_m').replaceAll(':', '_c')}`;

/** Lines that choose the backend: the target's, else the route's others, else all members. */
export function backendChoice({ policy, front }: ChoiceInput): readonly string[] {
  const names = routeNames(policy.routes ?? []);
  return [
    ...front.routes.flatMap((route, index) =>
      route && !isRest(route, front.rest) ? routeChoice(route, routeAcl(names[index] ?? '')) : [],
    ),
    // A frontend's default is its own backend: where there is no other one it need not be asked for.
    ...(front.rest.length > 1
      ? use(front.rest, '')
      : front.rest.flatMap((one) => usePanic(one, ''))),
  ];
}

/** Whether a route's requests go where those of no route do. */
function isRest(
  { targets: [first, ...others] }: RouteTargets,
  rest: readonly Candidate[],
): boolean {
  return others.length === 0 && JSON.stringify(first?.candidates) === JSON.stringify(rest);
}

function routeChoice({ targets, fallback }: RouteTargets, acl: string): readonly string[] {
  const chosen = targets.flatMap(({ candidates }, index) => {
    const condition =
      targets.length > 1 ? `${acl} { var(txn.synapse_target) -m int ${index + 1} }` : acl;
    return use(candidates, condition);
  });
  const others = targets.length > 1 ? targets : [];
  // A weight of 0 is never chosen, and is the last to stand in. Which ones have it changes without a reload.
  const hasPart = (index: number) => `{ var(txn.synapse_split),bytes(${index},1) -m str 1 }`;
  const last = fallback.at(-1) ?? targets.at(-1)?.candidates.at(-1);
  return distinct([
    ...chosen,
    ...others.flatMap(({ candidates }, index) => use(candidates, `${acl} ${hasPart(index)}`)),
    ...others.flatMap(({ candidates }) => use(candidates, acl)),
    ...use(fallback, acl),
    ...(last ? [`use_backend ${last.backend} if ${acl}`] : []),
  ]);
}

const distinct = (lines: readonly string[]) => [...new Set(lines)];

/**
 * The nearest backend that has a server up, of those in which not too many are ejected; where all have too few,
 * the nearest one's members are served whether ejected or not.
 */
function use(candidates: readonly Candidate[], condition: string): readonly string[] {
  return [
    ...candidates.map(({ backend, panic }) =>
      rule(backend, condition, `{ nbsrv(${backend}) gt 0 }`, panic && `!${panicVar(backend)}`),
    ),
    ...candidates.flatMap((one) => usePanic(one, condition)),
  ];
}

function usePanic({ backend, panic }: Candidate, condition: string): readonly string[] {
  return panic === undefined ? [] : [rule(panic, condition, panicVar(backend))];
}

const rule = (backend: string, ...conditions: readonly (string | undefined)[]) =>
  `use_backend ${backend} if ${conditions.filter(Boolean).join(' ')}`;

function candidatesOf({ routes, rest }: Front): readonly Candidate[] {
  const all = [
    ...routes.flatMap((route) => [
      ...(route?.targets.flatMap(({ candidates }) => candidates) ?? []),
      ...(route?.fallback ?? []),
    ]),
    ...rest,
  ];
  return [...new Map(all.map((one) => [one.backend, one])).values()];
}
