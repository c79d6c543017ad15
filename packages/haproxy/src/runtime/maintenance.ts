import type { Runtime } from './admin-socket.ts';
import { parseServersState, type ServerState } from './server-state.ts';

type States = ReadonlyMap<string, readonly ServerState[]>;

/** What `show servers state` says before a reload; nothing when it says nothing. */
export interface Before {
  readonly text: string;
  readonly states: States;
}

/** Looks at all servers before a reload. */
export async function readBefore(runtime: Runtime, signal: AbortSignal): Promise<Before> {
  const [text = ''] = await runtime.ask(['show servers state'], signal);
  return { text, states: parseServersState(text) };
}

/**
 * The commands that give an operator's maintenance and drains back to a worker that lost them; those
 * that synapse made itself (`leaving`) are its own affair.
 */
export function restoreMaintenance(
  before: States,
  after: States,
  leaving: (backend: string, server: string) => boolean,
): readonly string[] {
  return [...before].flatMap(([backend, servers]) => {
    const now = new Map(after.get(backend)?.map((server) => [server.name, server]));
    return servers.flatMap(({ name, maintenance, drain }) => {
      const server = now.get(name);
      if (!(maintenance || drain) || !server || server.maintenance || server.drain) return [];
      if (leaving(backend, name)) return [];
      return [`set server ${backend}/${name} state ${maintenance ? 'maint' : 'drain'}`];
    });
  });
}
