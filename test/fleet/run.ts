import { setTimeout as sleep } from 'node:timers/promises';

import { hard, type Scene, soft } from './faults.ts';
import type { Machine } from './machine.ts';

/** How long proxies may take to be in step after everything was mended. */
const patience = 60_000;

/**
 * Injects faults for so many milliseconds, some at a time; after each round everything is mended and
 * every proxy must get in step. Returns how often each fault was injected; rejects with what went wrong.
 */
export async function troubleThem(
  scene: Scene,
  milliseconds: number,
  only: string | undefined,
): Promise<ReadonlyMap<string, number>> {
  const { chance, steps, signal } = scene;
  const injected = new Map<string, number>();
  const deadline = performance.now() + milliseconds;
  while (performance.now() < deadline && !signal.aborted) {
    const round =
      only === undefined ? choose(scene) : [[only, chance.pick(scene.machines)] as const];
    scene.say(round.map(([name, { host }]) => `${name} (${host.name})`).join(', '));
    await Promise.all(
      round.map(async ([name, machine]) => {
        const own = { ...scene, chance: chance.fork() };
        injected.set(name, (injected.get(name) ?? 0) + 1);
        await sleep(own.chance.between(0, 1_500), undefined, { signal });
        await (hard[name] ?? soft[name])?.(own, machine);
      }),
    );
    await steps.settled(patience);
    await sleep(chance.between(0, 1_000), undefined, { signal });
  }
  return injected;
}

/** One fault that takes members away, or none; and up to two that should go unnoticed, each on another VM. */
function choose({ chance, machines }: Scene): readonly (readonly [string, Machine])[] {
  const [first, second, third] = shuffled(machines, chance.between);
  const names = Object.keys(soft);
  const chosen: (readonly [string, Machine])[] = [];
  const add = (name: string, machine: Machine | undefined) => {
    if (machine && !chosen.some(([other]) => kindOf(other) === kindOf(name)))
      chosen.push([name, machine]);
  };
  if (chance.happens(0.85)) add(chance.pick(Object.keys(hard)), first);
  if (chance.happens(0.7)) add(chance.pick(names), second);
  if (chance.happens(0.4) || chosen.length === 0) add(chance.pick(names), third);
  return chosen;
}

/** Two faults of ZooKeeper's at once could be on the same server. */
const kindOf = (name: string) => (name.startsWith('zookeeper') ? 'zookeeper' : name);

function shuffled<T>(items: readonly T[], between: (least: number, most: number) => number) {
  return items
    .map((item) => [between(0, 1), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
