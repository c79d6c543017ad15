import { isDeepStrictEqual } from 'node:util';
import type { Due, Hosts, ProxyDeps } from '@smartstack/proxy';
import { createPace } from '@smartstack/proxy';
import { type HaproxyConfig, haproxySchema } from './config/config.ts';
import { reconfigured } from './config/reconfigured.ts';
import { sectionOf } from './config/section.ts';
import { createEngine, type Engine } from './engine.ts';
import { claim, type Environment, survey } from './process/environment.ts';
import { readState } from './reload/state-file.ts';
import { createMeters, type Meters } from './status/metrics.ts';

/** The HAProxy that the configuration names; it may change while the driver runs. */
export interface Current extends AsyncDisposable {
  /** The top-level section as it is now. */
  readonly section: HaproxyConfig | undefined;
  /** The engine in use; undefined before the first `ready`. */
  readonly engine: Engine | undefined;
  readonly environment: Environment | undefined;
  /** The engine for the present configuration; surveys the machine first, if that changed. */
  ready(signal: AbortSignal): Promise<Engine>;
  /** Uses another section from the next `ready` on; answers the keys that stay as they are until a restart. */
  configure(section: HaproxyConfig | undefined): readonly string[];
  /** Another HAProxy runs than the survey found: the next `ready` surveys anew. */
  renew(): void;
  /** Registered on first use: a HAProxy that is off has no metrics. */
  meters(): Meters;
}

export function createCurrent(
  first: HaproxyConfig | undefined,
  { hosts, due, log, metrics }: ProxyDeps & { readonly hosts: Hosts; readonly due: Due },
): Current {
  let section = first;
  let config = sectionOf(first) ?? haproxySchema.parse({});
  let made: Meters | undefined;
  let used: HaproxyConfig | undefined;
  let environment: Environment | undefined;
  let lock: AsyncDisposable | undefined;
  let engine: Engine | undefined;
  const pace = createPace(() => ({
    interval: config.restart_interval,
    jitter: config.restart_jitter,
  }));

  function meters(): Meters {
    made ??= createMeters(metrics);
    return made;
  }

  async function ready(signal: AbortSignal): Promise<Engine> {
    if (engine && used === config) return engine;
    const next = config;
    // The engine before writes its files first, because the survey reads them.
    await engine?.close();
    environment = await survey(next, log, signal);
    lock ??= await claim(environment);
    const saved = await readState(environment.paths.state);
    const shared = { hosts, due, pace, meters: meters(), log };
    engine = createEngine({ config: next, environment, saved, ...shared });
    used = next;
    return engine;
  }

  function configure(newer: HaproxyConfig | undefined): readonly string[] {
    const before = section;
    section = newer;
    if (!isDeepStrictEqual(sectionOf(before), sectionOf(newer))) {
      engine?.invalidate();
      due.at('configured', performance.now());
    }
    const next = sectionOf(newer) ?? haproxySchema.parse({});
    if (!engine) config = next;
    const { merged, kept } = reconfigured(config, next);
    if (isDeepStrictEqual(merged, config)) return kept;
    config = merged;
    due.at('configured', performance.now());
    return kept;
  }

  return {
    get section() {
      return section;
    },
    get engine() {
      return engine;
    },
    get environment() {
      return environment;
    },
    ready,
    configure,
    renew: () => {
      used = undefined;
      due.at('equip', performance.now());
    },
    meters,
    [Symbol.asyncDispose]: async () => {
      try {
        await engine?.close();
      } finally {
        try {
          await environment?.loader[Symbol.asyncDispose]();
        } finally {
          await lock?.[Symbol.asyncDispose]();
        }
      }
    },
  };
}
