import type { Runtime } from './admin-socket.ts';
import { fingerprintsOf } from './fingerprint.ts';
import { parseServersState, type ServerState } from './server-state.ts';
import { parseConnections } from './statistics.ts';

/** What HAProxy has in one backend. */
export interface BackendState {
  readonly actual: readonly ServerState[];
  /** Connections by server; undefined where no server leaves. */
  readonly used: ReadonlyMap<string, number> | undefined;
}

export interface Looked extends BackendState {
  /** The fingerprint of these states; undefined where the backend has no server. */
  readonly fingerprint: number | undefined;
}

/** What is known of the backends before HAProxy is asked. */
export interface Expected {
  /** How many backends there are, as far as is known. */
  readonly backends: number;
  /** The servers that leave one, and its id; undefined where none does, or where that is not known. */
  leaving(backend: string): Leavers | undefined;
}

/** Up to so many servers of a backend are asked for one by one; of more, all are. */
const few = 20;

/** Servers by their ids: `show stat` would take a name for a frontend's, if one is called so too. */
export interface Leavers {
  readonly backend: number;
  readonly servers: readonly number[];
}

/** From so many backends on, if they are a good part of all, reading all at once is cheaper. */
const many = 20;
const goodPart = 0.25;

/** Looks at backends as they are now, in one round trip. */
export async function look(
  runtime: Runtime,
  targets: readonly { readonly backend: string }[],
  expected: Expected,
  signal: AbortSignal,
): Promise<(backend: string) => Looked> {
  const states = stateCommands(targets, expected);
  const asked = targets.flatMap(({ backend }) =>
    commandsFor(expected.leaving(backend)).map((command) => ({ backend, command })),
  );
  const replies = await runtime.ask([...states, ...asked.map(({ command }) => command)], signal);
  const said = replies.slice(0, states.length);
  const servers = new Map(said.flatMap((reply) => [...parseServersState(reply)]));
  const fingerprints = new Map(said.flatMap((reply) => [...fingerprintsOf(reply)]));
  const used = connectionsIn(replies.slice(states.length), asked);
  return (backend) => ({
    actual: servers.get(backend) ?? [],
    used: used.get(backend),
    fingerprint: fingerprints.get(backend),
  });
}

function stateCommands(
  targets: readonly { readonly backend: string }[],
  { backends }: Expected,
): readonly string[] {
  return targets.length >= Math.max(many, backends * goodPart)
    ? ['show servers state']
    : targets.map(({ backend }) => `show servers state ${backend}`);
}

/** How many connections each server has, by backend; `asked` says which one each reply is about. */
function connectionsIn(
  replies: readonly string[],
  asked: readonly { readonly backend: string }[],
): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const all = new Map<string, Map<string, number>>();
  for (const [index, { backend }] of asked.entries()) {
    const known = all.get(backend) ?? new Map<string, number>();
    all.set(backend, known);
    for (const [server, count] of parseConnections(replies[index] ?? '')) known.set(server, count);
  }
  return all;
}

/** The commands that ask how many connections these servers have. */
function commandsFor(leavers: Leavers | undefined): readonly string[] {
  if (!leavers) return [];
  const { backend, servers } = leavers;
  const ids = servers.length > few ? [-1] : servers;
  return ids.map((id) => `show stat ${backend} 4 ${id}`);
}
