import type { Desired, DesiredState } from '../desired/desired.ts';
import type { Layout, Part } from '../render/layout.ts';
import type { Sync } from './sync.ts';
import type { Target } from './work.ts';

export interface TargetsInput {
  readonly desired: ReadonlyMap<string, Desired>;
  readonly desire: DesiredState;
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
  const dues = duesOf(input.syncs);
  const targets: Target[] = [];
  for (const [service, one] of input.desired) {
    if (inStep.get(service) === one && dues.size === 0) continue;
    const part = partIn(input, service, one);
    const backend = part.stanza.backendName;
    if (!input.backends.has(backend)) continue;
    if (inStep.get(service) === one && (dues.get(backend) ?? Infinity) > now) continue;
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
  const dues = duesOf(input.syncs);
  let next = Infinity;
  if (dues.size === 0) return next;
  for (const [service, one] of input.desired) {
    const backend = partIn(input, service, one).stanza.backendName;
    if (input.backends.has(backend)) next = Math.min(next, dues.get(backend) ?? Infinity);
  }
  return next;
}

/** The service as HAProxy has it. */
const partIn = ({ layout }: Pick<TargetsInput, 'layout'>, service: string, one: Desired): Part =>
  layout?.partOf.get(service) ?? one.part;

/** When backends are to be looked at, at any of the sockets; those alone for which there is a time. */
function duesOf(syncs: readonly Sync[]): ReadonlyMap<string, number> {
  const [first, ...others] = syncs.map((sync) => sync.due());
  if (!first || others.length === 0) return first ?? new Map();
  const all = new Map(first);
  for (const dues of others)
    for (const [backend, time] of dues)
      all.set(backend, Math.min(time, all.get(backend) ?? Infinity));
  return all;
}
