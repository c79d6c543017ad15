import {
  createLatest,
  duration,
  keepRunning,
  type Latest,
  type Log,
  messageOf,
} from '@smartstack/daemon';
import { badRecordsOf, type Instance, withBadRecords } from '@smartstack/registry';
import { z } from 'zod';

import { loadAws } from '../aws.ts';
import type { Discovery, DiscoveryDeps } from '../discovery.ts';
import { migrateSchema, migrating, shared, shortfall } from './migrate.ts';
import { membersOf, only, type Resolve, sequential, union } from './resolvers.ts';
import { s3Url, toggleObject } from './s3.ts';
import { toggleFile, toggles } from './toggle.ts';

const seconds = duration.refine((milliseconds) => milliseconds > 0, { error: 'must not be 0' });

export const resolverSchema = z.discriminatedUnion('method', [
  z
    .strictObject({ method: z.literal('union') })
    .meta({ description: 'the members of all watchers' }),
  z
    .strictObject({
      method: z.literal('sequential'),
      sequential_order: z
        .array(z.string())
        .min(1)
        .meta({ description: 'every watcher, the best first', examples: [['near', 'far']] }),
    })
    .meta({ description: 'the members of the first watcher that has some' }),
  z
    .strictObject({
      method: z.literal('toggle'),
      file: z
        .string()
        .min(1)
        .meta({
          description: 'a local file that names a watcher (`blue`), or weighs them',
          examples: ['/etc/smartstack/web.toggle'],
        }),
      polling_interval: seconds
        .prefault(1)
        .meta({ description: 'how often it is read', examples: ['5s'] }),
    })
    .meta({
      description:
        'the members of the watcher that a file chooses; of weights (`{blue: 1, green: 0}`) one is chosen by chance once for each text',
    }),
  z
    .strictObject({
      method: z.literal('s3_toggle'),
      s3_url: z
        .string()
        .regex(s3Url, { error: 'expected s3://bucket/key' })
        .meta({ description: 'where it is', examples: ['s3://bucket/web.toggle'] }),
      s3_polling_interval_seconds: seconds.meta({
        description: 'how often it is read',
        examples: [30],
      }),
    })
    .meta({
      description: 'the same of a file in S3; needs `npm install @aws-sdk/client-s3`',
    }),
  migrateSchema,
]);

export type ResolverConfig = z.output<typeof resolverSchema>;

/** What is wrong with a resolver beside these watchers, or undefined. */
export function resolverProblem(
  resolver: ResolverConfig,
  watchers: readonly string[],
): string | undefined {
  if (resolver.method === 'migrate') {
    const { from, to } = resolver;
    const stranger = [from, to].find((name) => !watchers.includes(name));
    if (stranger !== undefined) return `migrate names ${stranger}, which is no watcher`;
    if (from === to) return 'migrate needs two watchers: from and to are the same';
    const other = watchers.find((name) => name !== from && name !== to);
    return other && `migrate is between two watchers, and ${other} is neither from nor to`;
  }
  if (resolver.method !== 'sequential') return undefined;
  const { sequential_order: order } = resolver;
  const unknown = order.find((name) => !watchers.includes(name));
  if (unknown !== undefined) return `sequential_order names ${unknown}, which is no watcher`;
  const missing = watchers.find((name) => !order.includes(name));
  return missing && `sequential_order lacks ${missing}`;
}

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
          const reason = shortfall(resolver, chosen);
          if (reason === undefined) troubles.clear(resolving);
          else troubles.note(resolving, { resolver: 'migrate' })(new Error(reason));
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
