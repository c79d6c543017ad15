import { setTimeout as sleep } from 'node:timers/promises';

import type { Machine } from './machine.ts';
import { type Member, nameOf } from './town.ts';

type Rotation = Awaited<ReturnType<Machine['rotation']>>;

/** Something that proxies have to follow. */
interface Pending {
  readonly kind: string;
  readonly since: number;
  /** The machines whose proxy has not followed yet. */
  readonly machines: Set<Machine>;
  /** The servers that it is about; none when it is about all that nothing else is about. */
  readonly names: readonly string[];
  follows(rotation: Rotation): boolean;
}

/** Compares what every proxy has with what it should have, and measures how long it takes to follow. */
export interface InStep {
  /** From now on these members are (or are no more) to be in rotation, everywhere. */
  change(kind: string, members: readonly Member[], present: boolean): void;
  /** Asks nothing of this machine until it is back; then its rotation is to be right, but for changes on their way. */
  excuse(machine: Machine): void;
  back(kind: string, machine: Machine, since?: number): void;
  /** Resolves once every proxy serves exactly what it should; rejects after `patience` ms with who does not. */
  settled(patience: number): Promise<void>;
  /** Milliseconds from each change to the last proxy that followed, by kind. */
  readonly times: ReadonlyMap<string, readonly number[]>;
}

/** Looks until the signal aborts, about every 20 ms for a few machines, and less often for many. */
export function watchSteps(machines: readonly Machine[], signal: AbortSignal): InStep {
  const interval = 10 + 2 * machines.length;
  const expected = new Map<string, boolean>();
  for (const { members } of machines) for (const one of members) expected.set(nameOf(one), true);
  const excused = new Set<Machine>();
  const pending = new Set<Pending>();
  const times = new Map<string, number[]>();

  const wrong = (rotation: Rotation) => [
    ...[...expected]
      .filter(([name, present]) => !agrees(rotation, name, present))
      .map(([name]) => name),
    ...[...rotation.keys()].filter((name) => !expected.has(name)),
  ];

  /** What is wrong and no other change's business. */
  const ownWrong = (rotation: Rotation) => {
    const others = new Set([...pending].flatMap(({ names }) => names));
    return wrong(rotation).filter((name) => !others.has(name));
  };

  async function look(machine: Machine): Promise<void> {
    const concerned = [...pending].filter((one) => one.machines.has(machine));
    if (concerned.length === 0) return;
    const rotation = await machine.rotation().catch(() => undefined);
    const now = performance.now();
    if (!rotation || excused.has(machine)) return;
    for (const one of concerned) {
      if (!one.follows(rotation)) continue;
      one.machines.delete(machine);
      if (one.machines.size > 0 || !pending.delete(one)) continue;
      times.set(one.kind, [...(times.get(one.kind) ?? []), now - one.since]);
    }
  }

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      await Promise.all(machines.map(look));
      await sleep(interval, undefined, { signal }).catch(() => {});
    }
  }
  void watch();

  return {
    times,
    change(kind, members, present) {
      const names = members.map(nameOf);
      for (const name of names) expected.set(name, present);
      const follows = (rotation: Rotation) =>
        names.every((name) => expected.get(name) !== present || agrees(rotation, name, present));
      const asked = machines.filter((machine) => !excused.has(machine));
      pending.add({ kind, since: performance.now(), machines: new Set(asked), names, follows });
    },
    excuse(machine) {
      excused.add(machine);
      for (const one of pending)
        if (one.machines.delete(machine) && one.machines.size === 0) pending.delete(one);
    },
    back(kind, machine, since = performance.now()) {
      excused.delete(machine);
      const follows = (rotation: Rotation) => ownWrong(rotation).length === 0;
      pending.add({ kind, since, machines: new Set([machine]), names: [], follows });
    },
    async settled(patience) {
      const deadline = performance.now() + patience;
      for (;;) {
        const flaws = await Promise.all(
          machines.map(async (machine) => {
            const rotation = await machine.rotation().catch(() => new Map());
            return wrong(rotation).map(
              (name) => `${machine.host.name} has ${name} ${rotation.get(name) ?? 'not'}`,
            );
          }),
        );
        if (flaws.flat().length === 0 && pending.size === 0) return;
        if (performance.now() > deadline)
          throw new Error(
            `not in step after ${patience} ms: ${flaws.flat().slice(0, 10).join(', ')}`,
          );
        await sleep(100, undefined, { signal });
      }
    },
  };
}

function agrees(rotation: Rotation, name: string, present: boolean): boolean {
  const state = rotation.get(name);
  return present ? state === 'serves' : state === undefined || state === 'leaving';
}
