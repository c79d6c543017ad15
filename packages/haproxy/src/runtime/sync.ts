import { createBreath, type Log } from '@smartstack/daemon';
import type { WrittenFile } from '../render/written.ts';
import type { Step } from './command.ts';
import { type Leavers, type Looked, look } from './look.ts';
import { fresh, type Memory } from './memory.ts';
import type { Runtime } from './runtime.ts';
import { createVerified } from './verified.ts';
import { digest, isUnfinished, prepare, type Target, type Work, type WorkOptions } from './work.ts';

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
  /**
   * Brings backends in step with targets; an unexpected reply is tried once more from a new look.
   */
  sync(targets: readonly Target[], signal: AbortSignal): Promise<Synced>;
  /** Starts over: HAProxy has just loaded a file. */
  loaded(file: WrittenFile): void;
  /** Starts over: HAProxy is another one, which may have loaded a file, and synapse made these leave. */
  adopted(file: WrittenFile, leaving: Readonly<Record<string, readonly string[]>>): void;
  /** Every backend is to be looked at before its next change. */
  doubt(): void;
  /** Asks whether HAProxy has what it had when it was found in step; backends that are otherwise are due at once. */
  audit(signal: AbortSignal): Promise<void>;
  memoryOf(backend: string): Memory | undefined;
  /** When each backend is to be looked at: its servers leave, or it was changed without a look. */
  due(): ReadonlyMap<string, number>;
}

export interface SyncOptions extends WorkOptions {
  readonly log: Log;
}

interface Attempt extends Synced {
  readonly failed: readonly {
    readonly service: string;
    readonly step: Step;
    readonly reply: string;
  }[];
}

interface Planned extends Work {
  /** What HAProxy said of the backend; undefined where it was not asked. */
  readonly looked: Looked | undefined;
}

/**
 * A backend that is in step is changed from what is known of it, and looked at a little later together with
 * others; one that is not, and one whose servers leave, is looked at first.
 */
export function createSync(runtime: Runtime, { log, ...options }: SyncOptions): Sync {
  let memories = new Map<string, Memory>();
  let file: WrittenFile | undefined;
  let leftBefore: Readonly<Record<string, readonly string[]>> = {};
  const verified = createVerified();
  /** What was said of refused commands, by service: each is said once. */
  let said = new Map<string, string>();

  async function sync(targets: readonly Target[], signal: AbortSignal): Promise<Synced> {
    const first = await attempt(targets, signal);
    if (first.failed.length === 0) {
      for (const { service } of targets) said.delete(service);
      return first;
    }
    const again = await attempt(
      targets.filter(({ service }) => first.failed.some((failure) => failure.service === service)),
      signal,
    );
    const reload = new Map([...first.reload, ...again.reload]);
    for (const { service, step, reply } of again.failed)
      if (!reload.has(service))
        reload.set(service, `HAProxy refused ${step.kind} of ${step.server}: ${reply}`);
    sayRefused(targets, again.failed);
    const unfinished = [...first.unfinished, ...again.unfinished];
    return { steps: first.steps + again.steps, reload, unfinished };
  }

  function sayRefused(targets: readonly Target[], failed: Attempt['failed']): void {
    const now = new Map<string, string>();
    for (const { service, step, reply } of failed) {
      const text = `${step.kind} ${step.server} ${reply}`;
      if (now.has(service)) continue;
      now.set(service, text);
      if (said.get(service) === text) continue;
      log.warn(
        {
          service,
          server: step.server,
          step: step.kind,
          reply,
          fix: /permission denied/i.test(reply)
            ? 'the file is loaded instead; give the stats socket `level admin` to change members without a reload'
            : 'the file is loaded instead',
        },
        'haproxy refused a command',
      );
    }
    for (const { service } of targets) said.delete(service);
    said = new Map([...said, ...now]);
  }

  async function attempt(targets: readonly Target[], signal: AbortSignal): Promise<Attempt> {
    const work = await plans(targets, signal);
    const steps = work.flatMap((one) => one.steps);
    const replies = await runtime
      .ask(
        steps.flatMap(({ commands }) => commands),
        signal,
      )
      .catch((error: unknown) => {
        // Some may have been carried out.
        for (const { target } of work) doubt(target.backend);
        throw error;
      });
    return take(work, replies);
  }

  async function plans(
    targets: readonly Target[],
    signal: AbortSignal,
  ): Promise<readonly Planned[]> {
    const doubtful = new Set(targets.filter(isDoubtful).map(({ backend }) => backend));
    const expected = { backends: memories.size, leaving: leaversOf };
    const sightOf = await look(
      runtime,
      [...doubtful].map((backend) => ({ backend })),
      expected,
      signal,
    );
    const breath = createBreath();
    const work: Planned[] = [];
    for (const target of targets) {
      if (breath.isDue) await breath.take();
      const { backend } = target;
      const memory = memories.get(backend);
      const looked = doubtful.has(backend) || !memory ? sightOf(backend) : undefined;
      const sight = looked ?? { actual: memory?.states ?? [], used: undefined };
      const known = { memory, file, left: leftBefore[backend] ?? [] };
      work.push({ ...prepare(target, sight, known, options), looked });
    }
    return work;
  }

  function leaversOf(backend: string): Leavers | undefined {
    const { leaving, states = [] } = memories.get(backend) ?? {};
    const id = states.find(({ backendId }) => backendId !== undefined)?.backendId;
    if (!leaving?.size || id === undefined) return undefined;
    const servers = states.filter(({ name }) => leaving.has(name)).map((state) => state.id);
    return { backend: id, servers };
  }

  function isDoubtful({ backend, desired }: Target): boolean {
    const memory = memories.get(backend);
    if (!memory?.inStep || !desired) return true;
    return Math.min(verified.due(backend), nextOf(memory)) <= performance.now();
  }

  /** Reads the replies to all steps. */
  async function take(work: readonly Planned[], replies: readonly string[]): Promise<Attempt> {
    const breath = createBreath();
    const failed: { service: string; step: Step; reply: string }[] = [];
    const reload = new Map<string, string>();
    const unfinished: string[] = [];
    let steps = 0;
    let at = 0;
    for (const one of work) {
      if (breath.isDue) await breath.take();
      const { service, backend } = one.target;
      const done: Step[] = [];
      for (const step of one.steps) {
        const own = replies.slice(at, at + step.commands.length);
        at += step.commands.length;
        if (step.succeeded(own)) done.push(step);
        else if (step.kind !== 'delete')
          failed.push({ service, step, reply: own.filter(Boolean).join('; ') });
      }
      steps += one.steps.length;
      const memory = digest(one, done, options);
      memories.set(backend, memory);
      if (isUnfinished(one, done)) unfinished.push(service);
      if (one.plan.reload !== undefined) reload.set(service, one.plan.reload);
      const isInStep = one.steps.length === 0 && memory.inStep && memory.leaving.size === 0;
      if (one.looked) verified.looked(backend, isInStep ? one.looked.fingerprint : undefined);
      else if (one.steps.length > 0) verified.changed(backend);
    }
    return { steps: steps - failed.length, reload, unfinished, failed };
  }

  function dues(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    memories.forEach((memory, backend) => {
      const next = Math.min(nextOf(memory), verified.due(backend));
      if (next < Infinity) found.set(backend, next);
    });
    return found;
  }

  function doubt(backend: string): void {
    const memory = memories.get(backend);
    if (memory) memories.set(backend, { ...memory, inStep: undefined });
  }

  return {
    path: runtime.path,
    sync,
    loaded: (loaded) => {
      file = loaded;
      verified.clear();
      memories = new Map(
        [...loaded.backends].map(([name, servers]) => [name, fresh(servers, memories.get(name))]),
      );
    },
    adopted: (loaded, left) => {
      file = loaded;
      leftBefore = left;
      verified.clear();
      memories = new Map();
    },
    doubt: () => {
      for (const backend of memories.keys()) doubt(backend);
    },
    memoryOf: (backend) => memories.get(backend),
    audit: async (signal) => verified.audit(memories.keys(), await runtime.fingerprints(signal)),
    due: dues,
  };
}

/** When the leaving servers of a backend are to be looked at. */
function nextOf({ leaving }: Memory): number {
  let next = Infinity;
  if (leaving.size > 0) for (const one of leaving.values()) next = Math.min(next, one.next);
  return next;
}
