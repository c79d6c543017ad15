import { setTimeout as sleep } from 'node:timers/promises';

import { createLatest, type Log } from '@smartstack/daemon';
import {
  type ConfigurableDriver,
  createDue,
  type Due,
  type Service,
  type Snapshot,
} from '@smartstack/proxy';

/**
 * How long both listen, in milliseconds: what waits at the earlier socket when it is closed is lost, and by then new
 * connections go to the later one.
 */
const overlap = 1_000;
/** How long a proxy that an earlier synapse left is not touched while another one cannot listen, in milliseconds. */
const patience = 10_000;

/**
 * Lets a service that moves from one proxy to another be served by both for a while: the one that had it goes on, with
 * the members as they are now, until the other one listens at its address, too. Where that one cannot, nothing moves.
 * A proxy that serves what an earlier synapse gave it, and that is another's by now, is left as it is for so long.
 */
export interface HandOver {
  /** The same driver, which takes over services and hands them over. */
  wrap<Driver extends ConfigurableDriver<unknown>>(driver: Driver): Driver;
}

/** One proxy, and what it serves. */
interface Side {
  readonly driver: ConfigurableDriver<unknown>;
  /** When it is to look again whether to let go. */
  readonly due: Due;
  /** What was last applied, with services that are kept for another proxy. */
  applied: Snapshot;
  /** Services that are another proxy's by now. */
  kept: ReadonlySet<string>;
  /** Since when another proxy listens for those, where one does. */
  readonly listens: Map<string, number>;
  /** What it serves of an earlier synapse, until it is applied to first. */
  standing: ReadonlySet<string>;
  /** Until when it may stay so. */
  untouched: number;
  /** Whether it is asked for that, or was; `told` resolves `looked` once it has answered. */
  isLooked: boolean;
  readonly looked: Promise<void>;
  told(): void;
}

export function createHandOver(log: Log): HandOver {
  const sides = new Map<string, Side>();

  /** What a proxy is to have: what is its own, and what another one has not taken over yet. */
  function viewFor(side: Side, snapshot: Snapshot): Snapshot {
    const { name: proxy } = side.driver;
    const others = [...sides.values()].filter((other) => other !== side);
    const changed = new Map<string, Service>();
    const kept = new Set<string>();
    for (const service of snapshot.values()) {
      const { name } = service;
      const before = appliedAt(side, name);
      if (isIn(service, side)) {
        for (const other of others)
          if (!isIn(service, other) && has(other, name))
            changed.set(name, taken(service, other.driver.name));
      } else if (before) {
        const takers = others.filter((other) => isIn(service, other));
        if (takers.length === 0 || isTaken(side, name, takers)) continue;
        changed.set(name, keptFrom(before, service, proxy));
        kept.add(name);
      }
    }
    const view = changed.size === 0 ? snapshot : new Map([...snapshot, ...changed]);
    note(side, kept, view);
    return view;
  }

  /** Whether another proxy has listened for long enough; looks again when it will have. */
  function isTaken(side: Side, name: string, others: readonly Side[]): boolean {
    if (!others.some(({ driver }) => driver.serves(name))) {
      side.listens.delete(name);
      return false;
    }
    const now = performance.now();
    const since = side.listens.get(name) ?? now;
    side.listens.set(name, since);
    if (now - since >= overlap) return true;
    side.due.at('overlap', since + overlap);
    return false;
  }

  /**
   * Asks a proxy what it serves of an earlier synapse, as a part of its first `apply`: drivers do one thing at a time.
   * Waits for a moment until the others are asked, too.
   */
  async function look(side: Side, signal: AbortSignal): Promise<void> {
    side.isLooked = true;
    side.standing = (await side.driver.standing?.(signal).catch(() => undefined)) ?? new Set();
    side.untouched = performance.now() + patience;
    side.told();
    const all = Promise.all([...sides.values()].map((each) => each.looked));
    await Promise.race([all, sleep(overlap, undefined, { ref: false })]);
  }

  /** Whether it is left as it is, since it has services of an earlier synapse that no other proxy has taken over yet. */
  function isLeft(side: Side, snapshot: Snapshot): boolean {
    const others = [...sides.values()].filter((other) => other !== side);
    const waiting = [...side.standing].filter((name) => {
      const service = snapshot.get(name);
      const takers = service ? others.filter((other) => isIn(service, other)) : [];
      return takers.length > 0 && service && !isIn(service, side) && !isTaken(side, name, takers);
    });
    if (waiting.length > 0 && performance.now() < side.untouched) {
      note(side, new Set(waiting), snapshot);
      side.due.at('untouched', side.untouched);
      return true;
    }
    if (waiting.length > 0) {
      const fix = 'see why the other proxy does not listen: synapse status';
      log.error({ services: waiting, from: side.driver.name, fix }, 'services are not handed over');
      side.kept = new Set();
    }
    side.standing = new Set();
    return false;
  }

  function note(side: Side, kept: ReadonlySet<string>, view: Snapshot): void {
    const from = side.driver.name;
    for (const service of kept)
      if (!side.kept.has(service))
        log.info({ service, from }, 'service moves to another proxy: served here until it listens');
    for (const service of side.kept)
      if (!kept.has(service) && view.has(service))
        log.info({ service, from }, 'service moved: another proxy listens now');
    for (const service of side.listens.keys()) if (!kept.has(service)) side.listens.delete(service);
    side.kept = kept;
  }

  return {
    wrap: (driver) => {
      let told = () => {};
      const looked = new Promise<void>((resolve) => {
        told = resolve;
      });
      const side: Side = {
        driver,
        isLooked: false,
        looked,
        told,
        due: createDue(),
        applied: new Map(),
        kept: new Set(),
        listens: new Map(),
        standing: new Set(),
        untouched: Number.POSITIVE_INFINITY,
      };
      sides.set(driver.name, side);
      return {
        ...driver,
        apply: async (snapshot, signal) => {
          side.due.collect();
          try {
            if (!side.isLooked) await look(side, signal);
            if (side.standing.size > 0 && isLeft(side, snapshot)) return 'unchanged';
            const view = viewFor(side, snapshot);
            const applied = await driver.apply(view, signal);
            side.applied = view;
            for (const other of sides.values())
              if (other !== side && [...other.kept].some((name) => driver.serves(name)))
                other.due.at('served', performance.now());
            return applied;
          } finally {
            side.due.attended();
          }
        },
        wakes: (signal) => merged([(until) => driver.wakes(until), side.due.wakes], signal),
      };
    },
  };
}

const sectionOf = ({ own }: Service, proxy: string): unknown => own?.[proxy];

/** Whether a proxy is to serve a service. */
const isIn = (service: Service, { driver }: Side) => sectionOf(service, driver.name) !== undefined;

/** A service as it was last applied, where the proxy served it. */
function appliedAt(side: Side, name: string): Service | undefined {
  const service = side.applied.get(name);
  return service && isIn(service, side) ? service : undefined;
}

/** Whether it serves a service, of this synapse or an earlier one. */
const has = (side: Side, name: string) =>
  appliedAt(side, name) !== undefined || side.standing.has(name);

/** A service as a proxy had it, with its members of now. */
function keptFrom(before: Service, now: Service, proxy: string): Service {
  const { instances, defaults } = now;
  return { ...before, instances, defaults, own: { [proxy]: sectionOf(before, proxy) } };
}

/** The same object again for the same service: drivers make nothing anew of what they know. */
function taken(service: Service, takenFrom: string): Service {
  const known = takenServices.get(service) ?? { ...service, takenFrom };
  takenServices.set(service, known);
  return known;
}

const takenServices = new WeakMap<Service, Service>();

/** Yields when any of them does, and fails as the first one does. */
async function* merged(
  parts: readonly ((signal: AbortSignal) => AsyncIterable<void>)[],
  signal: AbortSignal,
): AsyncGenerator<void, void> {
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const latest = createLatest<void>();
  let failure: { readonly error: unknown } | undefined;
  const forward = async (part: (typeof parts)[number]) => {
    try {
      for await (const _ of part(both)) latest.set();
    } catch (error) {
      failure ??= { error };
      latest.end();
    }
  };
  const running = parts.map(forward);
  try {
    yield* latest.values(both);
    if (failure) throw failure.error;
  } finally {
    ended.abort();
    await Promise.all(running);
  }
}
