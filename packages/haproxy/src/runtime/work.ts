import { assignIds } from '../render/ids.ts';
import type { Server } from '../render/server.ts';
import type { Traits } from '../render/traits.ts';
import type { WrittenFile } from '../render/written.ts';
import type { BackendState } from './backend-state.ts';
import { deleteServer, parkServer, type Step } from './command.ts';
import { later, leavingUntil, parkedFor } from './leaving.ts';
import { firstMemory, forgotten, halfAdded, type Memory } from './memory.ts';
import { type Plan, plan } from './plan.ts';
import { scopeOf } from './scope.ts';
import type { ServerState } from './server-state.ts';

/** One backend and the servers desired there; undefined to keep those it has, or to use `fallback` if it has none. */
export interface Target {
  readonly service: string;
  readonly backend: string;
  readonly traits: Traits;
  readonly desired: readonly Server[] | undefined;
  readonly fallback: readonly Server[];
  readonly drainTimeout: number;
}

/** The steps for one target, and what they are made from. */
export interface Work {
  readonly target: Target;
  readonly memory: Memory;
  readonly plan: Plan;
  /** What HAProxy has of the servers that the plan is about. */
  readonly actual: readonly ServerState[];
  /** The desired servers that the plan is about, by name. */
  readonly wanted: ReadonlyMap<string, Server>;
  readonly steps: readonly Step[];
}

export interface WorkOptions {
  readonly maxId: number;
  /**
   * How long a server that left stays in maintenance where a new one would need a reload; undefined to
   * delete it.
   */
  readonly parkTime: number | undefined;
}

/** What is known of a backend before HAProxy is asked. */
export interface Known {
  readonly memory: Memory | undefined;
  readonly file: WrittenFile | undefined;
  /** What an earlier synapse made leave. */
  readonly left: readonly string[];
}

/** Plans the steps for one backend, from what HAProxy said of it or, if it was in step, from memory. */
export function prepare(
  target: Target,
  { actual: all, used }: BackendState,
  known: Known,
  { maxId, parkTime }: WorkOptions,
): Work {
  const { backend, traits } = target;
  const isEmpty = () => all.every(({ name }) => traits.ownServers.has(name));
  const desired = target.desired ?? (isEmpty() ? target.fallback : undefined);
  const leave = () => leavingUntil(performance.now() + target.drainTimeout);
  const before =
    known.memory ??
    firstMemory(all, known.file?.backends.get(backend), {
      traits,
      desired,
      leaving: known.left,
      leave,
    });
  const scope = scopeOf(before, { desired, actual: all });
  const present = new Set(scope.actual.map(({ name }) => name));
  const leaving = new Map([...before.leaving].filter(([name]) => present.has(name)));
  const wanted = new Map((scope.desired ?? []).map((server) => [server.name, server]));
  const sight = { ...before, leaving, states: scope.actual };
  for (const name of forgotten(sight, wanted)) leaving.set(name, leave());
  const ids = idsOf(before, all, scope.desired ?? [], maxId);
  const halfway = halfAdded(sight);
  const planned = plan({ ...sight, ...scope, backend, traits, ids, halfway });
  // A server that became due only after HAProxy was asked waits for the next time: its connections are not known.
  const isUnused = (name: string) => used !== undefined && (used.get(name) ?? 0) === 0;
  const settled = [...leaving]
    .filter(([name, { next }]) => next <= performance.now() && !planned.back.includes(name))
    .filter(([name, { deadline }]) => isUnused(name) || deadline <= performance.now())
    .map(([name, { deadline, parked, replace }]) =>
      parkTime !== undefined && traits.obstacle !== undefined && !parked && !replace
        ? parkServer(backend, name)
        : deleteServer(backend, name, deadline <= performance.now()),
    );
  return {
    target: { ...target, desired },
    memory: { ...before, ids, leaving, states: all },
    plan: planned,
    actual: scope.actual,
    wanted,
    steps: [...planned.steps, ...settled],
  };
}

/** The ids of the servers that HAProxy has, and new ones for those to be added. */
function idsOf(
  { ids, states }: Memory,
  actual: readonly ServerState[],
  desired: readonly Server[],
  maxId: number,
): Memory['ids'] {
  const known = states === actual ? ids : new Map(actual.map(({ name, id }) => [name, id]));
  const fresh = desired.filter(({ name }) => !known.has(name));
  return fresh.length === 0 ? known : new Map([...known, ...assignIds(fresh, known, maxId)]);
}

/** The memory of a backend after these of its steps were carried out. */
export function digest(work: Work, done: readonly Step[], { parkTime }: WorkOptions): Memory {
  const { target, memory, plan: planned } = work;
  const isWhole = planned.reload === undefined && !planned.more;
  return {
    ...memory,
    told: toldAfter(work, done),
    leaving: leavingAfter(work, done, parkTime ?? 0),
    byOperator: byOperatorAfter(work),
    states: statesAfter(work, done),
    inStep: isWhole && hasAll(work, done) && !isUnfinished(work, done) ? target.desired : undefined,
  };
}

function toldAfter(
  { memory, actual, wanted }: Work,
  done: readonly Step[],
): ReadonlyMap<string, Server> {
  const told = new Map(memory.told);
  for (const { name, maintenance } of actual) {
    const server = wanted.get(name);
    if (server && !maintenance && !told.has(name)) told.set(name, server);
  }
  for (const { kind, server } of done) {
    const now = wanted.get(server);
    if (kind === 'delete') told.delete(server);
    if (now && kind === 'add') told.set(server, now);
    if (now && (kind === 'weight' || kind === 'address'))
      told.set(server, { ...now, options: told.get(server)?.options ?? '' });
  }
  return told;
}

function leavingAfter(
  { target, memory, plan: planned }: Work,
  done: readonly Step[],
  parkTime: number,
): Memory['leaving'] {
  const leaving = new Map(memory.leaving);
  for (const [name, one] of leaving)
    if (one.next <= performance.now()) leaving.set(name, later(one));
  for (const { kind, server } of done) {
    if (kind === 'delete' || kind === 'ready') leaving.delete(server);
    if (kind === 'park') leaving.set(server, parkedFor(parkTime));
    if (kind !== 'drain') continue;
    const replace = planned.leave.find((one) => one.server === server)?.replace ?? false;
    leaving.set(server, leavingUntil(performance.now() + target.drainTimeout, replace));
  }
  return leaving;
}

/** Whether every step was carried out; a server that cannot be deleted yet is tried again by itself. */
function hasAll({ steps }: Work, done: readonly Step[]): boolean {
  const all = new Set(done);
  return steps.every((step) => step.kind === 'delete' || all.has(step));
}

function byOperatorAfter({ memory, plan: { byOperator }, actual }: Work): Memory['byOperator'] {
  if (memory.byOperator.size === 0) return byOperator;
  const seen = new Set(actual.map(({ name }) => name));
  const present = new Set(memory.states.map(({ name }) => name));
  const unseen = [...memory.byOperator].filter(([name]) => !seen.has(name) && present.has(name));
  return new Map([...unseen, ...byOperator]);
}

/** What HAProxy should have after these steps, by its replies; the next look verifies it. */
function statesAfter({ memory, wanted }: Work, done: readonly Step[]): readonly ServerState[] {
  if (done.length === 0) return memory.states;
  const states = new Map(memory.states.map((state) => [state.name, state]));
  for (const { kind, server: name } of done) {
    const id = memory.ids.get(name);
    const after = stateAfter(kind, states.get(name), wanted.get(name), id);
    if (after) states.set(name, after);
    else states.delete(name);
  }
  return [...states.values()];
}

function stateAfter(
  kind: Step['kind'],
  before: ServerState | undefined,
  server: Server | undefined,
  id = 0,
): ServerState | undefined {
  if (kind === 'delete') return undefined;
  if (before && kind === 'drain') return { ...before, drain: true, weight: 0 };
  if (before && kind === 'park') return { ...before, maintenance: true };
  if (!server) return before;
  const { name, host, port, weight = 1 } = server;
  if (before && kind === 'weight') return { ...before, weight };
  if (before && kind === 'address') return { ...before, host, port };
  const serving = { weight, operational: 'running', maintenance: false, drain: false } as const;
  return { ...(before ?? { id, name, host, port }), ...serving };
}

/** Whether servers are still to be replaced, and nothing else would wake us for it. */
export function isUnfinished({ memory, plan: planned }: Work, done: readonly Step[]): boolean {
  const replacing = [...memory.leaving].filter(([, { replace }]) => replace);
  const deleted = done.filter(({ kind }) => kind === 'delete').map(({ server }) => server);
  if (replacing.some(([name]) => deleted.includes(name))) return true;
  return planned.more && planned.leave.length === 0 && replacing.length === 0;
}
