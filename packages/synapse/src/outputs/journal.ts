import type { Journal, Metrics } from '@smartstack/daemon';
import type { Output } from '@smartstack/proxy';
import { isUnanswered, type Service, type Snapshot } from '@smartstack/proxy';
import { type Instance, keyOf } from '@smartstack/registry';
import type { Held } from '../discovery/policies/shrink-guard.ts';

export interface RecorderOptions {
  readonly journal: Journal;
  readonly metrics: Metrics;
  /** What is held back of a service now. */
  held(service: string): Held | undefined;
}

/** So many members of a change are named; the others are counted. */
const mostNamed = 3;

/** Notes which members joined and left, what is held back, and how many there are; kept in step as a proxy is. */
export function createRecorder({ journal, metrics, held }: RecorderOptions): Output {
  const members = metrics.gauge({
    name: 'synapse_service_members',
    help: 'Members of a service, or those assumed while its registry has not answered',
    labels: ['service'],
  });
  const stale = metrics.gauge({
    name: 'synapse_service_stale',
    help: '1 while the members of a service are those of an earlier run',
    labels: ['service'],
  });
  let known: Snapshot | undefined;
  const holding = new Map<string, Held>();

  function take(snapshot: Snapshot): void {
    for (const [name, service] of snapshot) {
      const before = known?.get(name);
      if (before === service) continue;
      members.set({ service: name }, servedOf(service).length);
      stale.set({ service: name }, isStale(service) ? 1 : 0);
      if (known) for (const event of changes(before, service)) journal.add(event);
      noteHeld(name);
    }
    for (const name of known?.keys() ?? []) if (!snapshot.has(name)) forget(name);
    if (!known) journal.add(startOf(snapshot));
    known = snapshot;
  }

  function forget(service: string): void {
    members.remove({ service });
    stale.remove({ service });
    holding.delete(service);
    journal.add({ kind: 'removed', tone: 'idle', service, text: 'is no longer followed' });
  }

  function noteHeld(service: string): void {
    const now = held(service);
    const before = holding.get(service);
    if (now === before) return;
    if (now) holding.set(service, now);
    else holding.delete(service);
    if (now && now.members.length === before?.members.length) return;
    const text = now
      ? `no longer announced, but served on: ${named(now.members)}`
      : 'the loss is no longer held back';
    journal.add({ kind: now ? 'held' : 'released', tone: now ? 'warn' : 'idle', service, text });
  }

  return {
    name: 'journal',
    auxiliary: true,
    apply: async (snapshot) => {
      if (snapshot === known) return 'unchanged';
      take(snapshot);
      return 'updated';
    },
    wakes: async function* () {},
    status: () => ({}),
    [Symbol.asyncDispose]: async () => {},
  };
}

type Change = Parameters<Journal['add']>[0];

/** How a service's members changed. */
export function changes(before: Service | undefined, now: Service): readonly Change[] {
  const service = now.name;
  if (!before) return [{ kind: 'added', tone: 'idle', service, text: 'is followed from now on' }];
  const [old, present] = [servedOf(before), servedOf(now)];
  const isAnswered = before.instances === undefined && now.instances !== undefined;
  if (old === present && !isAnswered) return [];
  const [joined, left] = [without(present, old), without(old, present)];
  const list = (
    kind: string,
    tone: 'good' | 'bad' | 'idle',
    which: readonly Instance[],
  ): Change[] => (which.length === 0 ? [] : [{ kind, tone, service, text: named(which) }]);
  const note: Change[] = isAnswered
    ? [{ kind: 'heard', tone: 'good', service, text: count(present.length, 'member') }]
    : [];
  return [
    ...note,
    ...list('left', present.length === 0 ? 'bad' : 'idle', left),
    ...list('joined', 'good', joined),
  ];
}

function startOf(snapshot: Snapshot): Change {
  const silent = [...snapshot.values()].filter(isUnanswered);
  const members = [...snapshot.values()].reduce((sum, each) => sum + servedOf(each).length, 0);
  const without = silent.length > 0 ? `, ${silent.length} no answer yet` : '';
  const text = `${count(snapshot.size, 'service')} with ${count(members, 'member')}${without}`;
  return { kind: 'started', tone: 'idle', text };
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;

function named(members: readonly Instance[]): string {
  const names = members
    .slice(0, mostNamed)
    .map(({ host, port, name }) => (name ? `${name} (${host}:${port})` : `${host}:${port}`));
  const more = members.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function without(list: readonly Instance[], other: readonly Instance[]): readonly Instance[] {
  const keys = new Set(other.map(keyOf));
  return list.filter((instance) => !keys.has(keyOf(instance)));
}

function servedOf({ instances, defaults }: Service): readonly Instance[] {
  return instances ?? defaults;
}

function isStale({ instances, stale = false }: Service): boolean {
  return instances === undefined && stale;
}
