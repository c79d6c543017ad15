import type { PageRow, Tone } from '@smartstack/daemon';

import { badRecordsOf } from '@smartstack/registry';

import { type Source, standsBy, type TracedMember, tracedMembers } from '../explain.ts';
import type { Followed } from '../followers.ts';
import { unresolved } from '../proxies/haproxy/index.ts';
import type { MeasuredServer } from '../proxies/measured.ts';
import type { Service } from '../service.ts';

/** A server as synapse's own driver knows it, by name. */
export interface KnownServer {
  readonly name: string;
  readonly address: string;
  readonly state: string;
}

export interface Servers {
  /** The proxy's name for a member. */
  nameOf(member: TracedMember['instance']): string;
  readonly known: ReadonlyMap<string, KnownServer>;
  readonly measured: ReadonlyMap<string, MeasuredServer> | undefined;
  /** Whether a proxy serves it at all. */
  readonly proxied: boolean;
}

/** A service's members as rows, those in trouble first; then servers that are on their way out. */
export function memberRows(
  followed: Followed,
  service: Service,
  servers: Servers,
): readonly PageRow[] {
  const method = followed.config?.discovery.method ?? 'unknown';
  const members = tracedMembers(followed, service).map((member) => ({
    member,
    server: servers.nameOf(member.instance),
  }));
  const named = new Set(members.map(({ server }) => server));
  const rows = members.map(({ member, server }) =>
    rowOf(member, method, withPlace(stateOf(server, servers), member, service)),
  );
  const unreadable = badRecordsOf(followed.trace?.at('found') ?? []).map(
    ({ id, reason, isUsual }): PageRow => ({
      title: id,
      state: isUsual ? 'no member' : 'unreadable',
      tone: 'idle',
      source: method,
      reason: isUsual ? reason : `its record is left out: ${reason}`,
    }),
  );
  const others = [...servers.known.values()].filter(({ name }) => !named.has(name));
  return [...rows, ...unreadable, ...others.map((server) => otherRow(server, servers))].sort(
    (one, other) => rank[one.tone] - rank[other.tone],
  );
}

const rank = { bad: 0, warn: 1, good: 2, idle: 3 } as const;

const sources: Readonly<Record<Exclude<Source, 'found'>, string>> = {
  remembered: 'an earlier run',
  default: 'default_servers',
  held: 'held back',
  previous: 'previous backends',
};

const reasons: Readonly<Record<Exclude<Source, 'found'>, string>> = {
  remembered: 'remembered: nothing was heard yet',
  default: '',
  held: 'no longer announced, served on for now',
  previous: 'nobody is announced any more',
};

interface ServerState {
  readonly state: string;
  readonly tone: Tone;
  readonly since?: number | undefined;
  readonly reason?: string | undefined;
}

function rowOf(
  { instance, source, leftOut }: TracedMember,
  method: string,
  server: ServerState,
): PageRow {
  const { host, port, name } = instance;
  const title = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  if (leftOut !== undefined)
    return rowWith({ title, name, state: 'left out', tone: 'idle', source: method }, leftOut);
  const { state, tone, since } = server;
  if (source === 'found')
    return rowWith({ title, name, state, tone, since, source: method }, server.reason);
  const why = [reasons[source], server.reason].filter(Boolean).join('; ');
  const shown = tone === 'good' ? 'warn' : tone;
  return rowWith({ title, name, state, tone: shown, since, source: sources[source] }, why);
}

type Row = { -readonly [K in keyof PageRow]: PageRow[K] };
type Parts = { readonly [K in keyof PageRow]: PageRow[K] | undefined } & Pick<
  PageRow,
  'title' | 'state' | 'tone'
>;

/** A row without what is not known of it; there are thousands, many times a minute. */
function rowWith({ title, name, state, tone, since, source }: Parts, reason?: string): PageRow {
  const row: Row = { title, state, tone };
  if (name) row.name = name;
  if (since !== undefined) row.since = since;
  if (source !== undefined) row.source = source;
  if (reason) row.reason = reason;
  return row;
}

function withPlace(server: ServerState, { instance }: TracedMember, service: Service): ServerState {
  const stands = standsBy(instance, service);
  if (stands === undefined) return server;
  return { ...server, reason: [stands, server.reason].filter(Boolean).join('; ') };
}

function otherRow({ name, address }: KnownServer, servers: Servers): PageRow {
  const { reason, ...state } = stateOf(name, servers);
  return rowWith({ title: address, name, source: 'not served any more', ...state }, reason);
}

/** What the proxy makes of a server; what synapse did to it says more than the proxy's word for it. */
function stateOf(name: string, { known, measured, proxied }: Servers): ServerState {
  if (!proxied) return { state: 'known', tone: 'good' };
  const own = known.get(name)?.state;
  const seen = measured?.get(name);
  const since = seen?.since;
  if (own === unresolved) return { state: 'not in the proxy', tone: 'bad', reason: own };
  if (own === undefined || own.startsWith('not in haproxy'))
    return {
      state: 'not in the proxy',
      tone: 'warn',
      reason: 'not added yet, or its host does not resolve',
    };
  if (own.endsWith('by operator')) return { state: own, tone: 'warn', since };
  if (own === 'leaving' || own === 'parked') return { state: own, tone: 'idle', since };
  if (!seen) return { state: own, tone: own === 'down' ? 'bad' : 'good' };
  const { state, tone, reason } = wordOf(seen);
  return { state, tone, reason, since };
}

/** HAProxy's words are those of section 9.1 of its management guide. */
function wordOf({
  status,
  reason,
}: MeasuredServer): Pick<ServerState, 'state' | 'tone' | 'reason'> {
  if (status === 'UP') return { state: 'up', tone: 'good' };
  if (status === 'no check') return { state: 'up, unchecked', tone: 'good' };
  const state = status.toLowerCase();
  if (/^UP/.test(status)) return { state, tone: 'warn', reason };
  if (/^DOWN/.test(status)) return { state, tone: 'bad', reason };
  if (/^(MAINT|DRAIN)/.test(status)) return { state, tone: 'idle', reason };
  return { state, tone: 'warn', reason };
}
