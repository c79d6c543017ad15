import type { Log } from '@smartstack/daemon';
import { createBreath } from '@smartstack/daemon';
import { assignIds } from '../render/ids.ts';
import type { Server } from '../render/server.ts';
import type { Traits } from '../render/traits.ts';
import type { WrittenFile } from '../render/written.ts';
import { deleteServer, parkServer, type Step } from './command.ts';
import { type Looked, look } from './look.ts';
import { forgotten, fresh, halfAdded, type Leaving, type Memory, remember } from './memory.ts';
import { type Plan, plan } from './plan.ts';
import type { Runtime } from './runtime.ts';

/** One backend and what it is to have; `desired` undefined to keep what it has, or `fallback` if that is nothing. */
export interface Target {
  readonly service: string;
  readonly backend: string;
  readonly traits: Traits;
  readonly desired: readonly Server[] | undefined;
  readonly fallback: readonly Server[];
  readonly drainTimeout: number;
}

export interface Synced {
  /** How many steps were carried out. */
  readonly steps: number;
  /** Why the file must be loaded, by service. */
  readonly reload: ReadonlyMap<string, string>;
  /** Services with a server to be made anew, now that the old one is deleted. */
  readonly unfinished: readonly string[];
}

/** Keeps the backends of one running HAProxy in step through its stats socket. */
export interface Sync {
  readonly path: string;
  /** Brings backends in step with targets; an unexpected reply is tried once more from a new look. */
  sync(targets: readonly Target[], signal: AbortSignal): Promise<Synced>;
  /** Starts over: HAProxy has just loaded a file. */
  loaded(file: WrittenFile): void;
  /** Starts over: HAProxy is another one, which may have loaded a file, and synapse made these leave. */
  adopted(file: WrittenFile, leaving: Readonly<Record<string, readonly string[]>>): void;
  memoryOf(backend: string): Memory | undefined;
  /** When the leaving servers of each backend are to be looked at. */
  due(): ReadonlyMap<string, number>;
}

interface Work {
  readonly target: Target;
  readonly memory: Memory;
  readonly plan: Plan;
  readonly steps: readonly Step[];
}

export interface SyncOptions {
  readonly maxId: number;
  /**
   * How long a server that left stays in maintenance where a new one would need a reload; undefined to
   * delete it.
   */
  readonly parkTime: number | undefined;
  readonly log: Log;
}

export function createSync(runtime: Runtime, { maxId, parkTime, log }: SyncOptions): Sync {
  let memories = new Map<string, Memory>();
  let file: WrittenFile | undefined;
  let leftBefore: Readonly<Record<string, readonly string[]>> = {};

  async function sync(targets: readonly Target[], signal: AbortSignal): Promise<Synced> {
    const first = await attempt(targets, signal);
    if (first.failed.length === 0) return first;
    const again = await attempt(
      targets.filter(({ service }) => first.failed.some((failure) => failure.service === service)),
      signal,
    );
    const reload = new Map([...first.reload, ...again.reload]);
    for (const { service, step, reply } of again.failed) {
      if (step.kind === 'add') reload.set(service, `HAProxy refused ${step.server}: ${reply}`);
      log.warn(
        { service, server: step.server, step: step.kind, reply },
        'haproxy refused a command',
      );
    }
    const unfinished = [...first.unfinished, ...again.unfinished];
    return { steps: first.steps + again.steps, reload, unfinished };
  }

  async function attempt(targets: readonly Target[], signal: AbortSignal) {
    const leaves = (backend: string) => (memories.get(backend)?.leaving.size ?? 0) > 0;
    const looked = await look(runtime, targets, leaves, signal);
    const breath = createBreath();
    const work: Work[] = [];
    for (const target of targets) {
      await breath();
      work.push(prepare(target, looked(target.backend)));
    }
    const steps = work.flatMap((one) => one.steps);
    const replies = await runtime.ask(
      steps.flatMap(({ commands }) => commands),
      signal,
    );
    const failed: { service: string; step: Step; reply: string }[] = [];
    const reload = new Map<string, string>();
    const unfinished: string[] = [];
    let at = 0;
    for (const one of work) {
      await breath();
      const done: Step[] = [];
      for (const step of one.steps) {
        const own = replies.slice(at, at + step.commands.length);
        at += step.commands.length;
        if (step.succeeded(own)) done.push(step);
        else if (step.kind !== 'delete')
          failed.push({ service: one.target.service, step, reply: own.filter(Boolean).join('; ') });
      }
      memories.set(one.target.backend, digest(one, done));
      if (isUnfinished(one, done)) unfinished.push(one.target.service);
      if (one.plan.reload !== undefined) reload.set(one.target.service, one.plan.reload);
    }
    return { steps: steps.length - failed.length, reload, unfinished, failed };
  }

  function prepare(target: Target, { actual, used }: Looked): Work {
    const { backend, traits } = target;
    const isEmpty = actual.every(({ name }) => traits.ownServers.has(name));
    const desired = target.desired ?? (isEmpty ? target.fallback : undefined);
    const before =
      memories.get(backend) ??
      remember(actual, file?.backends.get(backend), {
        traits,
        desired,
        leaving: leftBefore[backend] ?? [],
        leave: () => leavingUntil(performance.now() + target.drainTimeout),
      });
    const known = new Map(actual.map(({ name, id }) => [name, id]));
    const ids = new Map([...known, ...assignIds(desired ?? [], known, maxId)]);
    const present = new Set(actual.map(({ name }) => name));
    const leaving = new Map([...before.leaving].filter(([name]) => present.has(name)));
    const wanted = new Map((desired ?? []).map((server) => [server.name, server]));
    for (const name of forgotten({ ...before, states: actual }, wanted))
      leaving.set(name, leavingUntil(performance.now() + target.drainTimeout));
    const memory = { ...before, ids, leaving, states: actual };
    const halfway = halfAdded(memory);
    const planned = plan({ ...memory, backend, traits, desired, actual, halfway });
    const settled = [...leaving]
      .filter(([name, { next }]) => next <= performance.now() && !planned.back.includes(name))
      .filter(
        ([name, { deadline }]) => (used?.get(name) ?? 0) === 0 || deadline <= performance.now(),
      )
      .map(([name, { deadline, parked, replace }]) =>
        parkTime !== undefined && traits.obstacle !== undefined && !parked && !replace
          ? parkServer(backend, name)
          : deleteServer(backend, name, deadline <= performance.now()),
      );
    return {
      target: { ...target, desired },
      memory,
      plan: planned,
      steps: [...planned.steps, ...settled],
    };
  }

  function digest({ target, memory, plan: planned }: Work, done: readonly Step[]): Memory {
    const told = new Map(memory.told);
    const leaving = new Map(memory.leaving);
    const wanted = new Map((target.desired ?? []).map((server) => [server.name, server]));
    for (const { name, maintenance } of memory.states) {
      const server = wanted.get(name);
      if (server && !maintenance && !told.has(name)) told.set(name, server);
    }
    for (const [name, one] of leaving)
      if (one.next <= performance.now()) leaving.set(name, later(one));
    for (const { kind, server } of done) {
      const now = wanted.get(server);
      if (kind === 'delete') leaving.delete(server);
      if (kind === 'delete') told.delete(server);
      if (kind === 'ready') leaving.delete(server);
      if (kind === 'park') leaving.set(server, parkedFor(parkTime ?? 0));
      if (now && ['add', 'weight', 'address'].includes(kind))
        told.set(
          server,
          kind === 'add' ? now : { ...now, options: told.get(server)?.options ?? '' },
        );
      if (kind !== 'drain') continue;
      const replace = planned.leave.find((one) => one.server === server)?.replace ?? false;
      const deadline = performance.now() + target.drainTimeout;
      leaving.set(server, leavingUntil(deadline, replace));
    }
    return { ...memory, told, leaving, byHand: planned.byHand };
  }

  return {
    path: runtime.path,
    sync,
    loaded: (loaded) => {
      file = loaded;
      memories = new Map(
        [...loaded.backends].map(([name, servers]) => [name, fresh(servers, memories.get(name))]),
      );
    },
    adopted: (loaded, left) => {
      file = loaded;
      leftBefore = left;
      memories = new Map();
    },
    memoryOf: (backend) => memories.get(backend),
    due: () => {
      const dues = new Map<string, number>();
      for (const [backend, { leaving }] of memories)
        for (const { next } of leaving.values())
          dues.set(backend, Math.min(next, dues.get(backend) ?? next));
      return dues;
    },
  };
}

/** Whether servers are to be made anew for which nothing else will ask to be woken. */
function isUnfinished({ memory, plan: planned }: Work, done: readonly Step[]): boolean {
  const replacing = [...memory.leaving].filter(([, { replace }]) => replace);
  const deleted = done.filter(({ kind }) => kind === 'delete').map(({ server }) => server);
  if (replacing.some(([name]) => deleted.includes(name))) return true;
  return planned.more && planned.leave.length === 0 && replacing.length === 0;
}

const leavingUntil = (deadline: number, replace = false): Leaving => ({
  replace,
  deadline,
  next: Math.min(deadline, performance.now() + 50),
  tries: 0,
  parked: false,
});

function parkedFor(time: number): Leaving {
  const deadline = performance.now() + time;
  return { ...leavingUntil(deadline), next: deadline, parked: true };
}

/** Looks again after twice as long, at the deadline at the latest. */
function later(one: Leaving): Leaving {
  const wait = Math.min(2_000, 50 * 2 ** Math.min(one.tries, 6));
  const next = performance.now() + wait;
  const isEarly = one.deadline > performance.now();
  return { ...one, tries: one.tries + 1, next: isEarly ? Math.min(next, one.deadline) : next };
}
