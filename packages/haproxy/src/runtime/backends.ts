import type { WrittenFile } from '../render/written.ts';
import type { Leavers, Looked } from './backend-state.ts';
import { fresh, type Memory } from './memory.ts';
import { createVerified } from './verified.ts';
import type { Known, Target } from './work.ts';

/** What is known of the backends of one running HAProxy, without asking it. */
export interface Backends {
  readonly size: number;
  memoryOf(backend: string): Memory | undefined;
  /** What a plan for a backend starts from. */
  knownOf(backend: string): Known;
  /** Whether HAProxy is to be asked for a backend before it is changed. */
  mustLook(target: Target): boolean;
  /** The servers that leave a backend; undefined where none does, or its number is not known. */
  leaversOf(backend: string): Leavers | undefined;
  /** Notes what is known of a backend after steps; `looked` is what HAProxy said before them, if it was asked. */
  note(backend: string, changed: Changed): void;
  /** HAProxy is to be asked for everything before its next change. */
  invalidate(backend?: string): void;
  /** HAProxy has just loaded a file. */
  loaded(file: WrittenFile): void;
  /** Another HAProxy runs, which may have loaded a file; an earlier synapse made these servers leave. */
  adopted(file: WrittenFile, leaving: Readonly<Record<string, readonly string[]>>): void;
  /** HAProxy is to be asked now for backends whose fingerprints changed since they were found in step. */
  audit(fingerprints: ReadonlyMap<string, number>): void;
  /** When HAProxy is to be asked for each backend: its servers leave, or it was changed from memory. */
  due(): ReadonlyMap<string, number>;
}

export interface Changed {
  readonly memory: Memory;
  /** How many steps were planned. */
  readonly steps: number;
  readonly looked: Looked | undefined;
}

export function createBackends(): Backends {
  let memories = new Map<string, Memory>();
  let file: WrittenFile | undefined;
  let leftBefore: Readonly<Record<string, readonly string[]>> = {};
  const verified = createVerified();

  function invalidate(backend: string): void {
    const memory = memories.get(backend);
    if (memory) memories.set(backend, { ...memory, inStep: undefined });
  }

  function leaversOf(backend: string): Leavers | undefined {
    const { leaving, states = [] } = memories.get(backend) ?? {};
    const id = states.find(({ backendId }) => backendId !== undefined)?.backendId;
    if (!leaving?.size || id === undefined) return undefined;
    const servers = states.filter(({ name }) => leaving.has(name)).map((state) => state.id);
    return { backend: id, servers };
  }

  return {
    get size() {
      return memories.size;
    },
    memoryOf: (backend) => memories.get(backend),
    knownOf: (backend) => ({
      memory: memories.get(backend),
      file,
      left: leftBefore[backend] ?? [],
    }),
    mustLook: ({ backend, desired }) => {
      const memory = memories.get(backend);
      if (!memory?.inStep || !desired) return true;
      return Math.min(verified.due(backend), nextOf(memory)) <= performance.now();
    },
    leaversOf,
    note: (backend, { memory, steps, looked }) => {
      memories.set(backend, memory);
      const isInStep = steps === 0 && memory.inStep && memory.leaving.size === 0;
      if (looked) verified.looked(backend, isInStep ? looked.fingerprint : undefined);
      else if (steps > 0) verified.changed(backend);
    },
    invalidate: (backend) => {
      for (const each of backend === undefined ? memories.keys() : [backend]) invalidate(each);
    },
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
    audit: (fingerprints) => verified.audit(memories.keys(), fingerprints),
    due: () => {
      const found = new Map<string, number>();
      memories.forEach((memory, backend) => {
        const next = Math.min(nextOf(memory), verified.due(backend));
        if (next < Infinity) found.set(backend, next);
      });
      return found;
    },
  };
}

/** When the leaving servers of a backend are next due. */
function nextOf({ leaving }: Memory): number {
  let next = Infinity;
  if (leaving.size > 0) for (const one of leaving.values()) next = Math.min(next, one.next);
  return next;
}
