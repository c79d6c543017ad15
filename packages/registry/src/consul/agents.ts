import { disposeAll } from '../announcements.ts';
import type { DecoderDeps } from '../instance/decoder.ts';
import type { IsStale } from '../zookeeper/zookeeper.ts';
import { type ConsulRegistry, createConsulRegistry } from './consul.ts';
import type { ConsulSection } from './section.ts';

/** An agent at which services of this process may be; JSON-safe. */
export interface UsedAgent<Section = AgentAccess> {
  /** How to reach it; it may hold a token. */
  readonly section: Section;
  /** The day on which it was last used, counted from 1970. */
  readonly day: number;
}

type AgentAccess = Pick<ConsulSection, 'url'> &
  Partial<Pick<ConsulSection, (typeof accessKeys)[number]>>;

const accessKeys = ['token', 'token_file', 'tls', 'namespace', 'partition'] as const;

/** So many days later nothing is looked for at an agent that never answered: it has long removed what is critical. */
const kept = 2;

export interface AgentsOptions extends DecoderDeps {
  /** The name of the instances that this process announces. */
  readonly owner?: string | undefined;
  /** Agents at which an earlier process had services. */
  readonly earlier: readonly UsedAgent<ConsulSection>[];
}

/** What an earlier process left in one registry. */
export interface Inherited {
  /** Withdraws what this process has not announced, where `isStale` is true. Rejects when the signal aborts. */
  drop(isStale: IsStale, signal: AbortSignal): Promise<void>;
}

/** Agents of Consul, one registry for each way to speak to one. */
export interface Agents extends AsyncDisposable {
  open(section: ConsulSection): ConsulRegistry;
  all(): readonly ConsulRegistry[];
  /** What an earlier process left, also at agents that this one has no service at. */
  inherited(): readonly Inherited[];
  /** Where services of this process or an earlier one may be, and once it has ended still are: the next one is to look there. */
  used(): readonly UsedAgent[];
}

export function createAgents({ owner, earlier, ...deps }: AgentsOptions): Agents {
  const registries = new Map<string, ConsulRegistry>();
  const sections = new Map<string, ConsulSection>();
  /** What this process has registered, by agent, whatever the rest of its section says. */
  const registered = new Map<string, Map<string, symbol>>();
  const left = new Map(
    earlier
      .filter(({ day }) => today() - day <= kept)
      .map((agent) => [agentOf(agent.section), agent]),
  );
  let hasEnded = false;
  const isHeld = (id: string) => [...registered.values()].some((ids) => ids.has(id));

  function open(section: ConsulSection): ConsulRegistry {
    const key = JSON.stringify(section);
    const agent = agentOf(section);
    const held = registered.get(agent) ?? new Map<string, symbol>();
    registered.set(agent, held);
    sections.set(agent, section);
    const registry =
      registries.get(key) ?? createConsulRegistry({ ...deps, section, owner, held, isHeld });
    registries.set(key, registry);
    return registry;
  }

  /** What is left where this process announces nothing: the registry is for that alone. */
  async function dropLeft(
    agent: string,
    section: ConsulSection,
    isStale: IsStale,
    signal: AbortSignal,
  ): Promise<void> {
    if (!sections.has(agent)) {
      await using registry = createConsulRegistry({ ...deps, section, owner, isHeld });
      await registry.dropUnclaimed(isStale, signal);
      if (registry.hasUnclaimed())
        throw new Error(`services at ${section.url} are not checked yet`);
    }
    left.delete(agent);
  }

  return {
    open,
    all: () => [...registries.values()],
    inherited: () => [
      ...[...registries.values()].map(({ dropUnclaimed: drop }) => ({ drop })),
      ...[...left]
        .filter(([agent]) => !sections.has(agent))
        .map(([agent, { section }]) => ({
          drop: (isStale: IsStale, signal: AbortSignal) =>
            dropLeft(agent, section, isStale, signal),
        })),
    ],
    used: () => {
      const own = [...sections]
        .filter(([agent]) => !hasEnded || registered.get(agent)?.size)
        .map(([agent, section]) => [agent, { section, day: today() }] as const);
      return [...new Map([...left, ...own]).values()].map(({ section, day }) => ({
        section: accessOf(section),
        day,
      }));
    },
    [Symbol.asyncDispose]: async () => {
      hasEnded = true;
      await disposeAll(registries.values());
    },
  };
}

const today = () => Math.floor(Date.now() / 86_400_000);

/** Equal for two sections of one agent. */
function agentOf({ url, namespace, partition }: ConsulSection): string {
  return JSON.stringify([url, namespace, partition]);
}

function accessOf(section: ConsulSection): AgentAccess {
  const given = accessKeys.flatMap((key) =>
    section[key] === undefined ? [] : [[key, section[key]] as const],
  );
  return { url: section.url, ...Object.fromEntries(given) };
}
