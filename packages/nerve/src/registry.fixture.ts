import { once } from 'node:events';

import type { Instance, Registry } from '@smartstack/registry';

/** A registry that a test can make slow, dead or refusing, and that tells what happened to it. */
export interface TestRegistry extends Registry {
  /** `announce <port>`, `stands <port>`, `update <port> <weight>`, `cancelled <port>` and `withdraw <port>` as they happened. */
  readonly events: readonly string[];
  /** Instances that stand now. */
  readonly standing: ReadonlySet<Instance>;
  /** What announcing does: it works, never answers until it is cancelled, or is refused. */
  announcing: 'works' | 'hangs' | 'refused';
  /** What withdrawing does. */
  withdrawing: 'works' | 'hangs' | 'refused';
}

export function createTestRegistry(): TestRegistry {
  const events: string[] = [];
  const standing = new Set<Instance>();
  const registry: TestRegistry = {
    events,
    standing,
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
      standing.add(instance);
      events.push(`stands ${instance.port}`);
      return {
        update: async (next) => void events.push(`update ${next.port} ${next.weight}`),
        [Symbol.asyncDispose]: async () => {
          events.push(`withdraw ${instance.port}`);
          if (registry.withdrawing === 'refused') throw new Error('no permission');
          if (registry.withdrawing === 'hangs') await new Promise(() => {});
          standing.delete(instance);
        },
      };
    },
    watch: async function* () {
      yield [...standing];
    },
    [Symbol.asyncDispose]: async () => void events.push('disposed'),
  };
  return registry;
}
