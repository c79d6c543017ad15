import { createMetrics, type Log, silentLog } from '@smartstack/daemon';
import {
  badRecordsOf,
  type ConsulFollow,
  type ConsulRegistry,
  consulSchema,
  createRegistries,
  defaultMapping,
  type Instance,
  type OpenedRegistries,
} from '@smartstack/registry';

/** A view of one Consul, as a process has it; its section is written as in a configuration. */
export interface View extends AsyncDisposable {
  readonly registry: ConsulRegistry;
  readonly registries: OpenedRegistries;
  /** Follows a service until the view is disposed of. */
  follow(service: string, more?: Partial<ConsulFollow>): Seen;
}

/** What a follower had so far. */
export interface Seen {
  readonly lists: readonly (readonly Instance[])[];
  newest(): readonly Instance[] | undefined;
  /** The newest list's ports, in their order; undefined before the first list. */
  ports(): string | undefined;
  /** Why records were left out of the newest list. */
  leftOut(): readonly string[];
  readonly troubles: readonly (string | undefined)[];
}

export function openView(
  section: object,
  { log = silentLog, owner }: { log?: Log; owner?: string } = {},
): View {
  const metrics = createMetrics();
  const registries = createRegistries({ log, metrics, ...(owner !== undefined && { owner }) });
  const registry = registries.openConsul(consulSchema.parse(section));
  const ends: AbortController[] = [];
  const running: Promise<void>[] = [];
  return {
    registry,
    registries,
    follow: (service, more) => {
      const lists: (readonly Instance[])[] = [];
      const troubles: (string | undefined)[] = [];
      const ended = new AbortController();
      ends.push(ended);
      const query = { ...usual, service, ...more };
      const read = async () => {
        const note = (reason: string | undefined) => troubles.push(reason);
        for await (const list of registry.follow(query, note, ended.signal)) lists.push(list);
      };
      running.push(read());
      const newest = () => lists.at(-1);
      return {
        lists,
        troubles,
        newest,
        ports: () =>
          newest()
            ?.map(({ port }) => port)
            .join(' '),
        leftOut: () => badRecordsOf(newest() ?? []).map(({ reason }) => reason),
      };
    },
    [Symbol.asyncDispose]: async () => {
      for (const ended of ends) ended.abort();
      await Promise.all(running);
      await registries[Symbol.asyncDispose]();
    },
  };
}

const usual: Omit<ConsulFollow, 'service'> = {
  datacenters: [],
  tags: [],
  consistency: 'default',
  maxStale: 10_000,
  mapping: defaultMapping,
};
