import { once } from 'node:events';

import type { Instance, Registry } from '@smartstack/registry';

/** A registry for tests that can hang or refuse, and records what happened to it. */
export interface TestRegistry extends Registry {
  /** `announce <port>`, `announced <port>`, `update <port> <weight>`, `cancelled <port>` and `withdraw <port>` as they happened. */
  readonly events: readonly string[];
  /** Instances that are in the registry now. */
  readonly registered: ReadonlySet<Instance>;
  /** What announcing does: it works, never answers until it is cancelled, or is refused. */
  announcing: 'works' | 'hangs' | 'refused';
  /** What withdrawing does. */
  withdrawing: 'works' | 'hangs' | 'refused';
}

export function createTestRegistry(): TestRegistry {
  const events: string[] = [];
  const registered = new Set<Instance>();
  const registry: TestRegistry = {
    events,
    registered,
    announcing: 'works',
    withdrawing: 'works',
    announce: async (_path, instance, signal) => {
      events.push(`announce ${instance.port}`);
      if (registry.announcing === 'refused') throw new Error('no permission');
      if (registry.announcing === 'hangs') {
        if (!signal.aborted) await once(signal, 'abort');
        events.push(`cancelled ${instance.port}`);
        throw signal.reason;
      }
      registered.add(instance);
      events.push(`announced ${instance.port}`);
      return {
        update: async (next) => void events.push(`update ${next.port} ${next.weight}`),
        [Symbol.asyncDispose]: async () => {
          events.push(`withdraw ${instance.port}`);
          if (registry.withdrawing === 'refused') throw new Error('no permission');
          if (registry.withdrawing === 'hangs') await new Promise(() => {});
          registered.delete(instance);
        },
      };
    },
    watch: async function* () {
      yield [...registered];
    },
    [Symbol.asyncDispose]: async () => void events.push('disposed'),
  };
  return registry;
}
