import { createLatest } from '@smartstack/daemon';
import { written, writtenLine } from '@smartstack/policy';
import { type Instance, keyOf } from '@smartstack/registry';
import { z } from 'zod';

import type { Applied, Refused } from '../driver.ts';
import type { ConfigurableDriver, ProxyKind } from '../proxy.ts';
import type { Service, Snapshot } from '../service.ts';

const topSchema = z.strictObject({ off: z.boolean().default(false) });
const serviceSchema = z.strictObject({
  port: z.int().optional(),
  /** Why the proxy does not take the section, for tests. */
  refuse: z.string().optional(),
});

export type MemoryConfig = z.output<typeof topSchema>;
export type MemorySection = z.output<typeof serviceSchema>;

const name = 'memory';
const ownOf = ({ own }: Service) => own?.[name] as MemorySection | undefined;

/** A proxy inside one process, for tests: the whole contract, and no traffic. */
export const memoryProxy: ProxyKind<MemoryConfig, MemorySection> = {
  name,
  title: 'memory',
  config: {
    keys: {
      written: topSchema.optional(),
      read: topSchema.optional(),
      service: serviceSchema.optional(),
    },
    example: { memory: { port: 80 } },
    isForeign: () => false,
    isOff: (config) => config?.off ?? false,
    problems: () => [],
    warnings: () => [],
    takePort: (own) => ({ own }),
    isDisabled: () => false,
    gaps: [],
    queryReading: 'every',
    versionOf: async () => undefined,
    withAddress: (own, { port }) => ({ ...own, ...(port !== undefined && { port }) }),
    protocolOf: () => undefined,
    listensAt: (own) =>
      own?.port === undefined ? undefined : { address: '127.0.0.1', port: own.port },
    withoutAddress: ({ port: _, ...own }) => own,
    registry: {
      isTrusted: () => false,
      parse: () => ({ reason: 'not from the registry' }),
      description: 'Nothing is taken',
      fix: 'set these in the service file',
      warnings: () => [],
    },
    explain: () => 'Members are kept in memory.',
    explainService: (own) => (own ? `is served at ${own.port ?? 'no port'}` : 'is not proxied'),
  },
  view: {
    serverName: keyOf,
    hints: { requests: 'none', errors: 'none', average: 'none', percentiles: 'none' },
    facts: () => [],
    placeOf: (own) => own && `memory:${own.port ?? ''}`,
    policy: async (service, config, snapshot) => {
      const served = snapshot.get(service);
      if (config?.off || !served || !ownOf(served)) return [];
      const words = written(served.policy?.policy ?? {});
      const lines = Object.entries(words).map(([word, value]) => `${word} ${writtenLine(value)}`);
      return [{ title: `service ${service}`, lines }];
    },
    stateOf: (shown) =>
      shown ? { state: shown.state, tone: 'good' } : { state: 'not in the proxy', tone: 'warn' },
    meaningOf: (state) => (state === 'up' ? 'up' : 'down'),
    explain: ({ state }) => ({
      served: true,
      why: state === undefined ? 'not in the proxy yet' : `in the proxy: ${state}`,
    }),
  },
  create: createDriver,
  preview: async () => undefined,
};

function createDriver(first: MemoryConfig | undefined): ConfigurableDriver<MemoryConfig> {
  const wakes = createLatest<void>();
  let config = first;
  let served: ReadonlyMap<string, readonly Instance[]> = new Map();
  let refused: readonly Refused[] = [];

  /** What a service has from now on; what it had, while nothing is known of it. */
  const membersOf = ({ name: service, instances, defaults }: Service) =>
    instances ?? served.get(service) ?? defaults;

  function apply(snapshot: Snapshot): Applied {
    const asked = config?.off ? [] : [...snapshot.values()].filter(ownOf);
    const since = new Date().toISOString();
    refused = asked.flatMap((service) => {
      const reason = ownOf(service)?.refuse;
      return reason === undefined
        ? []
        : [{ owner: service.name, reason, since, lastGood: served.has(service.name) }];
    });
    const taken = asked.filter((service) => ownOf(service)?.refuse === undefined);
    const next = new Map(taken.map((service) => [service.name, membersOf(service)]));
    for (const { owner } of refused) {
      const before = served.get(owner);
      if (before) next.set(owner, before);
    }
    const isSame = textOf(next) === textOf(served);
    served = next;
    return isSame ? 'unchanged' : 'updated';
  }

  return {
    name,
    apply: async (snapshot, signal) => {
      signal.throwIfAborted();
      return apply(snapshot);
    },
    configure: (next) => {
      config = next;
      wakes.set();
      return [];
    },
    wakes: (signal) => wakes.values(signal),
    status: () => ({
      trouble: null,
      services: Object.fromEntries(
        [...served].map(([service, members]) => [service, { servers: members.map(shown) }]),
      ),
    }),
    serves: (service) => served.has(service),
    refused: () => refused,
    measure: async () => new Map(),
    [Symbol.asyncDispose]: async () => wakes.end(),
  };
}

const shown = (member: Instance) => ({
  name: keyOf(member),
  address: `${member.host}:${member.port}`,
  state: 'up',
});

const textOf = (members: ReadonlyMap<string, readonly Instance[]>) => JSON.stringify([...members]);
