import type { Desire, Desired } from '../desired/desire.ts';
import type { Layout } from '../render/layout.ts';
import type { Sync, Target } from './sync.ts';

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

/** What is to be brought in step: what changed since it last was, and what has servers to delete by now. */
export function targetsOf(input: TargetsInput): readonly Target[] {
  const { desired, desire, layout, backends, inStep, syncs, drainTimeout } = input;
  const now = performance.now();
  const dues = syncs.map((sync) => sync.due());
  const isDue = (backend: string) => dues.some((one) => (one.get(backend) ?? Infinity) <= now);
  const targets: Target[] = [];
  for (const [service, one] of desired) {
    const part = layout?.partOf.get(service) ?? one.part;
    const backend = part.stanza.backendName;
    if (!backends.has(backend) || (inStep.get(service) === one && !isDue(backend))) continue;
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
