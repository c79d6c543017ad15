import { createLatest, keepRunning, type Latest, type Log, messageOf } from '@smartstack/daemon';
import { badRecordsOf, type Instance, withBadRecords } from '@smartstack/registry';

import { loadAws } from '../aws.ts';
import type { Discovery, DiscoveryDeps } from '../discovery.ts';
import { migrating, shared, shortfall } from './migrate.ts';
import { membersOf, only, type Resolve, sequential, union } from './resolvers.ts';
import { toggleObject } from './s3.ts';
import type { ResolverConfig } from './schema.ts';
import { toggleFile, toggles } from './toggle.ts';

/**
 * Several discoveries as one: the resolver is applied whenever one of their lists changes. `onChosen` is
 * called with the watchers that count, in order, before each list. A watcher that fails keeps its last list
 * and is followed again; the others go on, and `onTrouble` is called. One whose place in the registry is
 * `missing` counts as empty beside others; where none has a place, `onMissing` is called instead of a list.
 */
export function multi(
  watchers: Readonly<Record<string, Discovery>>,
  resolver: ResolverConfig,
  {
    log,
    missing = {},
    patience = 3_000,
    onChosen = () => {},
    onMissing = () => {},
    onTrouble = () => {},
  }: Pick<DiscoveryDeps, 'log' | 'onChosen' | 'onMissing' | 'onTrouble'> & {
    readonly missing?: Readonly<Record<string, Latest<string>>>;
    /** How long a start waits for watchers that a later one could stand in for, in milliseconds. */
    readonly patience?: number;
  },
): Discovery {
  const names = Object.keys(watchers);
  return async function* (outer) {
    const ended = new AbortController();
    const signal = AbortSignal.any([outer, ended.signal]);
    const lists = new Map<string, readonly Instance[] | undefined>(
      names.map((name) => [name, undefined]),
    );
    const absent = new Map<string, string>();
    const changed = createLatest<void>();
    let resolve = first(resolver, names);
    let patient = true;
    const timer = setTimeout(() => {
      patient = false;
      changed.set();
    }, patience);
    const resolving = `resolver ${resolver.method}`;
    const troubles = createTroubles(log, onTrouble);
    const follow = async (name: string, discovery: Discovery) => {
      for await (const list of discovery(signal)) {
        lists.set(name, list);
        troubles.clear(`watcher ${name}`);
        changed.set();
      }
      if (!signal.aborted) throw new Error('its discovery ended');
    };
    const note = async (name: string) => {
      for await (const reason of missing[name]?.values(signal) ?? []) {
        absent.set(name, reason);
        changed.set();
      }
    };
    const choose = async () => {
      for await (const chosen of choices(resolver, names, log, signal)) {
        resolve = only(chosen);
        troubles.clear(resolving);
        changed.set();
      }
    };
    const tasks = Promise.all([
      ...Object.entries(watchers).map(([watcher, discovery]) =>
        keepRunning(
          () => follow(watcher, discovery),
          troubles.note(`watcher ${watcher}`, { watcher }),
          signal,
        ),
      ),
      ...names.map(note),
      keepRunning(choose, troubles.note(resolving, { resolver: resolver.method }), signal),
    ]);
    try {
      for await (const _ of changed.values(signal)) {
        const known = [...lists.values()];
        const [reason] = absent.values();
        if (reason !== undefined && absent.size === names.length && known.every((list) => !list)) {
          onMissing(reason);
          continue;
        }
        const counted = new Map(
          [...lists].map(([name, list]) => [name, list ?? (absent.has(name) ? [] : undefined)]),
        );
        const chosen = resolve(counted, patient);
        if (!chosen) continue;
        onChosen(chosen);
        if (resolver.method === 'migrate') {
          const reason = shortfall(resolver, chosen, counted);
          if (reason === undefined) troubles.clear(resolving);
          else troubles.noteShare(resolving, reason);
        }
        yield withBadRecords(
          resolver.method === 'migrate' && chosen.length > 1
            ? shared(counted, resolver)
            : membersOf(counted, chosen),
          known.flatMap((list) => badRecordsOf(list ?? [])),
        );
      }
    } finally {
      clearTimeout(timer);
      ended.abort();
      await tasks;
    }
  };
}

/** Why parts cannot be followed now; logs each reason once, until the part works again. */
function createTroubles(log: Log, onTrouble: NonNullable<DiscoveryDeps['onTrouble']>) {
  const reasons = new Map<string, string | undefined>();
  const tell = (part: string, reason: string | undefined) => {
    const isNews = reasons.get(part) !== reason;
    if (isNews) onTrouble(reason, part);
    reasons.set(part, reason);
    return isNews;
  };
  return {
    clear: (part: string) => void tell(part, undefined),
    noteShare: (part: string, reason: string) => {
      const fix = 'see why with `synapse compare`, or set the share back';
      if (tell(part, reason)) log.warn({ reason, fix }, 'the traffic is not shared as asked');
    },
    note: (part: string, fields: object) => (error: unknown) => {
      if (!tell(part, messageOf(error))) return;
      log.error(
        { ...fields, err: error, fix: 'it is tried again, and the other watchers go on' },
        'cannot follow a part of the service',
      );
    },
  };
}

/** A toggle that was not read yet serves `primary`, which `discovery` is beside `discovery_multi`. */
function first(resolver: ResolverConfig, names: readonly string[]): Resolve {
  switch (resolver.method) {
    case 'union':
      return union;
    case 'sequential':
      return sequential(resolver.sequential_order);
    case 'migrate':
      return migrating(resolver);
    case 'toggle':
    case 's3_toggle':
      return only(names.includes('primary') ? 'primary' : (names[0] ?? ''));
  }
}

async function* choices(
  resolver: ResolverConfig,
  watchers: readonly string[],
  log: Log,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  if (resolver.method === 'toggle')
    yield* toggles(
      { read: toggleFile(resolver.file), interval: resolver.polling_interval, watchers, log },
      signal,
    );
  if (resolver.method === 's3_toggle')
    yield* toggles(
      {
        read: toggleObject(resolver.s3_url, loadAws),
        interval: resolver.s3_polling_interval_seconds,
        watchers,
        log,
      },
      signal,
    );
}
