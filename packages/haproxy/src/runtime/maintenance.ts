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

type IsLeaving = (backend: string, server: string) => boolean;

/**
 * Gives an operator's maintenance and drains back to a worker that lost them, but not those that synapse
 * set itself.
 */
export async function restoreMaintenance(
  runtime: Runtime,
  { before, isLeaving }: { readonly before: Before; readonly isLeaving: IsLeaving },
  signal: AbortSignal,
): Promise<void> {
  const { states } = await readBefore(runtime, signal);
  await runtime.ask(commandsFor(before.states, states, isLeaving), signal);
}

function commandsFor(before: States, after: States, isLeaving: IsLeaving): readonly string[] {
  return [...before].flatMap(([backend, servers]) => {
    const now = new Map(after.get(backend)?.map((server) => [server.name, server]));
    return servers.flatMap(({ name, maintenance, drain }) => {
      const server = now.get(name);
      if (!(maintenance || drain) || !server || server.maintenance || server.drain) return [];
      if (isLeaving(backend, name)) return [];
      return [`set server ${backend}/${name} state ${maintenance ? 'maint' : 'drain'}`];
    });
  });
}
