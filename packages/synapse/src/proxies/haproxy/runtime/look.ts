import type { Runtime } from './runtime.ts';
import { parseServersConn, parseServersState, type ServerState } from './state.ts';

/** What HAProxy has in one backend. */
export interface Looked {
  readonly actual: readonly ServerState[];
  /** Connections by server, where something leaves. */
  readonly used: ReadonlyMap<string, number> | undefined;
}

/** Reading all backends at once is cheaper from about here on. */
const many = 20;

/** Looks at backends as they are now, in one round trip. */
export async function look(
  runtime: Runtime,
  targets: readonly { readonly backend: string }[],
  leaves: (backend: string) => boolean,
  signal: AbortSignal,
): Promise<(backend: string) => Looked> {
  const states =
    targets.length >= many
      ? ['show servers state']
      : targets.map(({ backend }) => `show servers state ${backend}`);
  const leaving = targets.map(({ backend }) => backend).filter(leaves);
  const conns = leaving.map((backend) => `show servers conn ${backend}`);
  const replies = await runtime.ask([...states, ...conns], signal);
  const servers = new Map(
    replies.slice(0, states.length).flatMap((reply) => [...parseServersState(reply)]),
  );
  const used = new Map(
    leaving.map((backend, index) => [
      backend,
      parseServersConn(replies[states.length + index] ?? ''),
    ]),
  );
  return (backend) => ({ actual: servers.get(backend) ?? [], used: used.get(backend) });
}
