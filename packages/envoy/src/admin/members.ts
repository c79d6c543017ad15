import { isRecord } from '@smartstack/daemon';

import type { Admin } from './client.ts';

/** A member of a cluster as Envoy has it (a host). */
export interface ClusterMember {
  /** What it is called; its address, where it has no name. */
  readonly name: string;
  readonly address: string;
  /** Envoy's own word: `HEALTHY`, `DRAINING` and others; or `EJECTED`. */
  readonly status: string;
  readonly isEjected: boolean;
}

export type Members = ReadonlyMap<string, readonly ClusterMember[]>;

/** How many clusters are asked for at once: an answer is some 20 KB for each, and holds the event loop while it is parsed. */
const batch = 20;

/** The members of some clusters, as they are read; undefined of one that is not there. */
export async function* readMembers(
  admin: Admin,
  clusters: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<readonly [string, readonly ClusterMember[] | undefined], void> {
  for (let at = 0; at < clusters.length; at += batch) {
    const names = clusters.slice(at, at + batch);
    const filter = encodeURIComponent(`^(?:${names.map(escaped).join('|')})$`);
    const answer = await admin.get(`/clusters?format=json&filter=${filter}`, signal);
    const members = parseMembers(JSON.parse(answer));
    for (const name of names) yield [name, members.get(name)];
  }
}

export function parseMembers(answer: unknown): Members {
  const clusters = listOf(recordOf(answer).cluster_statuses);
  return new Map(
    clusters.map(({ name, host_statuses: hosts }) => [String(name), listOf(hosts).map(memberOf)]),
  );
}

function memberOf(host: Fields): ClusterMember {
  const address = addressOf(recordOf(host.address));
  const { eds_health_status: status = 'UNKNOWN', ...failed } = recordOf(host.health_status);
  const isEjected = failed.failed_outlier_check === true;
  return {
    name: typeof host.hostname === 'string' && host.hostname !== '' ? host.hostname : address,
    address,
    status: isEjected ? 'EJECTED' : failed.failed_active_health_check ? 'FAILED' : String(status),
    isEjected,
  };
}

function addressOf(address: Fields): string {
  const socket = recordOf(address.socket_address);
  const pipe = recordOf(address.pipe);
  if (typeof pipe.path === 'string') return pipe.path;
  const host = String(socket.address);
  return `${host.includes(':') ? `[${host}]` : host}:${socket.port_value}`;
}

type Fields = Readonly<Record<string, unknown>>;

const escaped = (name: string) => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
const recordOf = (value: unknown): Fields => (isRecord(value) ? value : {});
const listOf = (value: unknown): readonly Fields[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];
