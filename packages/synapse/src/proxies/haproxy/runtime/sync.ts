import { createBreath, type Log } from '@smartstack/daemon';
import type { WrittenFile } from '../render/written.ts';
import type { Step } from './command.ts';
import { look } from './look.ts';
import { fresh, type Memory } from './memory.ts';
import type { Runtime } from './runtime.ts';
import { createUnverified } from './unverified.ts';
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
   * Brings backends in step with targets; an unexpected reply is tried once more from a new look. `isWhole`
   * where these are all that there are.
   */
  sync(targets: readonly Target[], isWhole: boolean, signal: AbortSignal): Promise<Synced>;
  /** Starts over: HAProxy has just loaded a file. */
  loaded(file: WrittenFile): void;
  /** Starts over: HAProxy is another one, which may have loaded a file, and synapse made these leave. */
  adopted(file: WrittenFile, leaving: Readonly<Record<string, readonly string[]>>): void;
  /** Every backend is to be looked at before its next change. */
  doubt(): void;
  /**
   * Whether HAProxy has just what it had when all of it was looked at last, and was found in step. Asked
   * before that is said to be in doubt again: parsing and planning 10,000 servers costs a hundred times more.
   */
  isAsLooked(signal: AbortSignal): Promise<boolean>;
  memoryOf(backend: string): Memory | undefined;
  /** When each backend is to be looked at: its servers leave, or it was changed without a look. */
  due(): ReadonlyMap<string, number>;
}

export interface SyncOptions extends WorkOptions {
  readonly log: Log;
}

interface Attempt extends Synced {
  /** Nothing was to be done, and nothing is left to be looked at. */
  readonly isCalm: boolean;
  readonly failed: readonly {
    readonly service: string;
    readonly step: Step;
    readonly reply: string;
  }[];
}

/**
 * A backend that is in step is changed from what is known of it, and looked at a little later together with
 * others; one that is not, and one whose servers leave, is looked at first.
 */
export function createSync(runtime: Runtime, { log, ...options }: SyncOptions): Sync {
  let memories = new Map<string, Memory>();
  let file: WrittenFile | undefined;
  let leftBefore: Readonly<Record<string, readonly string[]>> = {};
  const unverified = createUnverified();
  /** What all states amounted to when they were last asked for, and when all was found in step. */
  let asked: number | undefined;
  let calm: number | undefined;
  /** What was said of refused commands, by service: each is said once. */
  let said = new Map<string, string>();

  async function sync(
    targets: readonly Target[],
    isWhole: boolean,
    signal: AbortSignal,
  ): Promise<Synced> {
    const first = await attempt(targets, signal);
    calm = first.isCalm && isWhole ? asked : undefined;
    asked = undefined;
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

  async function plans(targets: readonly Target[], signal: AbortSignal): Promise<readonly Work[]> {
    const doubtful = new Set(targets.filter(isDoubtful).map(({ backend }) => backend));
    const expected = { backends: memories.size, leaving: leavingOf };
    const looked = await look(
      runtime,
      [...doubtful].map((backend) => ({ backend })),
      expected,
      signal,
    );
    const breath = createBreath();
    const work: Work[] = [];
    for (const target of targets) {
      if (breath.isDue) await breath.take();
      const { backend } = target;
      const memory = memories.get(backend);
      const isLooked = doubtful.has(backend) || !memory;
      const sight = isLooked ? looked(backend) : { actual: memory.states, used: undefined };
      const known = { memory, file, left: leftBefore[backend] ?? [] };
      const one = prepare(target, sight, known, options);
      if (isLooked) unverified.delete(backend);
      else if (one.steps.length > 0) unverified.add(backend);
      work.push(one);
    }
    return work;
  }

  const leavingOf = (backend: string): ReadonlySet<string> =>
    new Set(memories.get(backend)?.leaving.keys());

  function isDoubtful({ backend, desired }: Target): boolean {
    const memory = memories.get(backend);
    if (!memory?.inStep || !desired) return true;
    return Math.min(unverified.due(backend), nextOf(memory)) <= performance.now();
  }

  /** Reads the replies to all steps. */
  async function take(work: readonly Work[], replies: readonly string[]): Promise<Attempt> {
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
      memories.set(backend, digest(one, done, options));
      if (isUnfinished(one, done)) unfinished.push(service);
      if (one.plan.reload !== undefined) reload.set(service, one.plan.reload);
    }
    const isCalm = steps === 0 && reload.size === 0 && unfinished.length === 0 && dues().size === 0;
    return { steps: steps - failed.length, reload, unfinished, failed, isCalm };
  }

  function dues(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    memories.forEach((memory, backend) => {
      const next = Math.min(nextOf(memory), unverified.due(backend));
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
      calm = undefined;
      file = loaded;
      unverified.clear();
      memories = new Map(
        [...loaded.backends].map(([name, servers]) => [name, fresh(servers, memories.get(name))]),
      );
    },
    adopted: (loaded, left) => {
      calm = undefined;
      file = loaded;
      leftBefore = left;
      unverified.clear();
      memories = new Map();
    },
    doubt: () => {
      for (const backend of memories.keys()) doubt(backend);
    },
    memoryOf: (backend) => memories.get(backend),
    isAsLooked: async (signal) => {
      asked = await runtime.fingerprint(signal);
      return asked === calm;
    },
    due: dues,
  };
}

/** When the leaving servers of a backend are to be looked at. */
function nextOf({ leaving }: Memory): number {
  let next = Infinity;
  if (leaving.size > 0) for (const one of leaving.values()) next = Math.min(next, one.next);
  return next;
}
