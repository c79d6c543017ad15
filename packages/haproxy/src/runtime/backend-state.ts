import type { Runtime } from './admin-socket.ts';
import { fingerprintsOf } from './fingerprint.ts';
import { parseServersState, type ServerState } from './server-state.ts';
import { parseConnections } from './statistics.ts';

/** What HAProxy has in one backend. */
export interface BackendState {
  readonly actual: readonly ServerState[];
  /** Connections by server, where something leaves. */
  readonly used: ReadonlyMap<string, number> | undefined;
}

export interface Looked extends BackendState {
  /** What that amounts to; undefined where it has no server. */
  readonly fingerprint: number | undefined;
}

/** What is known of the backends to look at. */
export interface Expected {
  /** How many backends there are, as far as is known. */
  readonly backends: number;
  /** The servers that leave one, and its id; undefined where none does, or where that is not known. */
  leaving(backend: string): Leavers | undefined;
}

/** So many servers of a backend are asked for one by one; of more, all are. */
const few = 20;

/** By their ids: `show stat` takes a name for that of a frontend where one is called so, too. */
export interface Leavers {
  readonly backend: number;
  readonly servers: readonly number[];
}

/** Reading all backends at once is cheaper from about here on, where these are a good part of all. */
const many = 20;
const goodPart = 0.25;

/** Looks at backends as they are now, in one round trip. */
export async function look(
  runtime: Runtime,
  targets: readonly { readonly backend: string }[],
  expected: Expected,
  signal: AbortSignal,
): Promise<(backend: string) => Looked> {
  const states =
    targets.length >= Math.max(many, expected.backends * goodPart)
      ? ['show servers state']
      : targets.map(({ backend }) => `show servers state ${backend}`);
  const asked = targets.flatMap(({ backend }) =>
    commandsFor(expected.leaving(backend)).map((command) => ({ backend, command })),
  );
  const replies = await runtime.ask([...states, ...asked.map(({ command }) => command)], signal);
  const servers = new Map(
    replies.slice(0, states.length).flatMap((reply) => [...parseServersState(reply)]),
  );
  const fingerprints = new Map(
    replies.slice(0, states.length).flatMap((reply) => [...fingerprintsOf(reply)]),
  );
  const used = new Map<string, Map<string, number>>();
  for (const [index, { backend }] of asked.entries()) {
    const known = used.get(backend) ?? new Map<string, number>();
    used.set(backend, known);
    const reply = replies[states.length + index] ?? '';
    for (const [server, count] of parseConnections(reply)) known.set(server, count);
  }
  return (backend) => ({
    actual: servers.get(backend) ?? [],
    used: used.get(backend),
    fingerprint: fingerprints.get(backend),
  });
}

/** What asks how many connections these have. */
function commandsFor(leavers: Leavers | undefined): readonly string[] {
  if (!leavers) return [];
  const { backend, servers } = leavers;
  const ids = servers.length > few ? [-1] : servers;
  return ids.map((id) => `show stat ${backend} 4 ${id}`);
}
