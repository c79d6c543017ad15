import { fingerprintsOf } from './fingerprint.ts';
import type { Runtime } from './runtime.ts';
import { parseServersConn, parseServersState, type ServerState } from './state.ts';

/** What HAProxy has in one backend. */
export interface Sight {
  readonly actual: readonly ServerState[];
  /** Connections by server, where something leaves. */
  readonly used: ReadonlyMap<string, number> | undefined;
}

export interface Looked extends Sight {
  /** What that amounts to; undefined where it has no server. */
  readonly fingerprint: number | undefined;
}

/** What is known of the backends to look at. */
export interface Expected {
  /** How many backends there are, as far as is known. */
  readonly backends: number;
  /** The servers that leave one. */
  leaving(backend: string): ReadonlySet<string>;
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
  const leaving = targets
    .map(({ backend }) => backend)
    .filter((backend) => expected.leaving(backend).size > 0);
  const conns = leaving.map((backend) => `show servers conn ${backend}`);
  const replies = await runtime.ask([...states, ...conns], signal);
  const servers = new Map(
    replies.slice(0, states.length).flatMap((reply) => [...parseServersState(reply)]),
  );
  const fingerprints = new Map(
    replies.slice(0, states.length).flatMap((reply) => [...fingerprintsOf(reply)]),
  );
  const used = new Map(
    leaving.map((backend, index) => [
      backend,
      parseServersConn(replies[states.length + index] ?? '', expected.leaving(backend)),
    ]),
  );
  return (backend) => ({
    actual: servers.get(backend) ?? [],
    used: used.get(backend),
    fingerprint: fingerprints.get(backend),
  });
}
