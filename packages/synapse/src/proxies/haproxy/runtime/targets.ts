import type { Desire, Desired } from '../desired/desire.ts';
import type { Layout } from '../render/layout.ts';
import type { Sync } from './sync.ts';
import type { Target } from './work.ts';

export interface TargetsInput {
  readonly desired: ReadonlyMap<string, Desired>;
  readonly desire: Desire;
  /** What HAProxy runs, where that is known; a newer configuration counts once it is loaded. */
  readonly layout: Layout | undefined;
  /** The backends that HAProxy has. */
  readonly backends: ReadonlySet<string>;
  /** What was last brought in step. */
  readonly inStep: ReadonlyMap<string, Desired>;
  readonly syncs: readonly Sync[];
  /** How long leaving servers may finish their connections, unless the service says otherwise. */
  readonly drainTimeout: number;
}

/** What is to be brought in step: what changed since it last was, and what is to be looked at by now. */
export function targetsOf(input: TargetsInput): readonly Target[] {
  const { desire, inStep, drainTimeout } = input;
  const now = performance.now();
  const dueOf = duesOf(input.syncs);
  const targets: Target[] = [];
  for (const { service, one, part } of present(input)) {
    const backend = part.stanza.backendName;
    if (inStep.get(service) === one && dueOf(backend) > now) continue;
    const { servers, fallback } = part === one.part ? one : desire.under(one.service, part);
    targets.push({
      service,
      backend,
      fallback,
      traits: part.traits,
      desired: servers,
      drainTimeout: part.config.drain_timeout ?? drainTimeout,
    });
  }
  return targets;
}

/** When one of the services' backends is to be looked at next; Infinity where none is. */
export function nextLook(input: Omit<TargetsInput, 'inStep'>): number {
  const dueOf = duesOf(input.syncs);
  let next = Infinity;
  for (const { part } of present(input)) next = Math.min(next, dueOf(part.stanza.backendName));
  return next;
}

/** The services whose backends HAProxy has, as it has them. */
function* present({
  desired,
  layout,
  backends,
}: Pick<TargetsInput, 'desired' | 'layout' | 'backends'>) {
  for (const [service, one] of desired) {
    const part = layout?.partOf.get(service) ?? one.part;
    if (backends.has(part.stanza.backendName)) yield { service, one, part };
  }
}

function duesOf(syncs: readonly Sync[]): (backend: string) => number {
  const dues = syncs.map((sync) => sync.due());
  return (backend) => Math.min(...dues.map((times) => times.get(backend) ?? Infinity));
}
