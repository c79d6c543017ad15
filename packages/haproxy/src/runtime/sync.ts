import { createTimeSlice, type Log } from '@smartstack/daemon';

import type { WrittenFile } from '../render/written.ts';
import type { Runtime } from './admin-socket.ts';
import { type Looked, look } from './backend-state.ts';
import { createBackends } from './backends.ts';
import type { Step } from './command.ts';
import type { Memory } from './memory.ts';
import { createRefusedCommands, type RefusedCommand } from './refused-commands.ts';
import { digest, isUnfinished, prepare, type Target, type Work, type WorkOptions } from './work.ts';

export interface Synced {
  /** How many steps were carried out. */
  readonly steps: number;
  /** Why the file must be loaded, by service. */
  readonly reload: ReadonlyMap<string, string>;
  /** Services with a server to be added again, now that the old one is deleted. */
  readonly unfinished: readonly string[];
}

/** Keeps the backends of one running HAProxy in step through its stats socket. */
export interface Sync {
  readonly path: string;
  /**
   * Brings backends in step with targets; after an unexpected reply HAProxy is asked again and tried once more.
   */
  sync(targets: readonly Target[], signal: AbortSignal): Promise<Synced>;
  /** Starts over: HAProxy has just loaded a file. */
  loaded(file: WrittenFile): void;
  /** Starts over: another HAProxy runs, which may have loaded a file; an earlier synapse made these servers leave. */
  adopted(file: WrittenFile, leaving: Readonly<Record<string, readonly string[]>>): void;
  /** HAProxy is to be asked for every backend before its next change. */
  invalidate(): void;
  /** Compares each backend's fingerprint with that when it was in step; backends that differ are due at once. */
  audit(signal: AbortSignal): Promise<void>;
  memoryOf(backend: string): Memory | undefined;
  /** When HAProxy is to be asked for each backend: its servers leave, or it was changed from memory. */
  due(): ReadonlyMap<string, number>;
}

export interface SyncOptions extends WorkOptions {
  readonly log: Log;
}

interface Attempt extends Synced {
  readonly failed: readonly RefusedCommand[];
}

interface Planned extends Work {
  /** What HAProxy said of the backend; undefined where it was not asked. */
  readonly looked: Looked | undefined;
}

/**
 * A backend that is in step is changed from memory, and verified a little later together with others. For
 * one that is not, and one whose servers leave, HAProxy is asked first.
 */
export function createSync(runtime: Runtime, { log, ...options }: SyncOptions): Sync {
  const backends = createBackends();
  const logRefused = createRefusedCommands(log);

  async function sync(targets: readonly Target[], signal: AbortSignal): Promise<Synced> {
    const first = await attempt(targets, signal);
    const services = targets.map(({ service }) => service);
    if (first.failed.length === 0) {
      logRefused(services, []);
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
    logRefused(services, again.failed);
    const unfinished = [...first.unfinished, ...again.unfinished];
    return { steps: first.steps + again.steps, reload, unfinished };
  }

  async function attempt(targets: readonly Target[], signal: AbortSignal): Promise<Attempt> {
    const work = await plans(targets, signal);
    const commands = work.flatMap(({ steps }) => steps.flatMap((step) => step.commands));
    const replies = await runtime.ask(commands, signal).catch((error: unknown) => {
      // Some may have been carried out.
      for (const { target } of work) backends.invalidate(target.backend);
      throw error;
    });
    return take(work, replies);
  }

  async function plans(
    targets: readonly Target[],
    signal: AbortSignal,
  ): Promise<readonly Planned[]> {
    const unsure = new Set(targets.filter(backends.mustLook).map(({ backend }) => backend));
    const expected = { backends: backends.size, leaving: backends.leaversOf };
    const asked = [...unsure].map((backend) => ({ backend }));
    const lookedAt = await look(runtime, asked, expected, signal);
    const slice = createTimeSlice();
    const work: Planned[] = [];
    for (const target of targets) {
      if (slice.isOver) await slice.yield();
      const known = backends.knownOf(target.backend);
      const looked =
        unsure.has(target.backend) || !known.memory ? lookedAt(target.backend) : undefined;
      const seen = looked ?? { actual: known.memory?.states ?? [], used: undefined };
      work.push({ ...prepare(target, seen, known, options), looked });
    }
    return work;
  }

  /** Reads the replies to all steps. */
  async function take(work: readonly Planned[], replies: readonly string[]): Promise<Attempt> {
    const slice = createTimeSlice();
    const failed: RefusedCommand[] = [];
    const reload = new Map<string, string>();
    const unfinished: string[] = [];
    let count = 0;
    const parts = withReplies(work, ({ steps }) => countOf(steps), replies);
    for (const [one, own] of parts) {
      if (slice.isOver) await slice.yield();
      const { target, looked, steps } = one;
      const { service, backend } = target;
      const { done, refused } = judge(one, own);
      failed.push(...refused);
      count += steps.length;
      backends.note(backend, { memory: digest(one, done, options), steps: steps.length, looked });
      if (isUnfinished(one, done)) unfinished.push(service);
      if (one.plan.reload !== undefined) reload.set(service, one.plan.reload);
    }
    return { steps: count - failed.length, reload, unfinished, failed };
  }

  return {
    path: runtime.path,
    sync,
    loaded: backends.loaded,
    adopted: backends.adopted,
    invalidate: () => backends.invalidate(),
    memoryOf: backends.memoryOf,
    audit: async (signal) => backends.audit(await runtime.fingerprints(signal)),
    due: backends.due,
  };
}

const countOf = (steps: readonly Step[]) =>
  steps.reduce((sum, { commands }) => sum + commands.length, 0);

/** Each item with the replies to its own commands, which follow each other. */
function* withReplies<Item>(
  items: readonly Item[],
  countOf: (item: Item) => number,
  replies: readonly string[],
): Generator<readonly [Item, readonly string[]], void> {
  let at = 0;
  for (const item of items) {
    const next = at + countOf(item);
    yield [item, replies.slice(at, next)];
    at = next;
  }
}

/** Which steps were carried out, and which were refused; a server that cannot be deleted yet is no refusal. */
function judge({ steps, target: { service } }: Work, replies: readonly string[]) {
  const done: Step[] = [];
  const refused: RefusedCommand[] = [];
  for (const [step, own] of withReplies(steps, ({ commands }) => commands.length, replies)) {
    if (step.succeeded(own)) done.push(step);
    else if (step.kind !== 'delete')
      refused.push({ service, step, reply: own.filter(Boolean).join('; ') });
  }
  return { done, refused };
}
