import type { PageRow } from '@smartstack/daemon';
import type {
  MeasuredServer,
  ProxyView,
  ServerState,
  Service,
  ShownServer,
} from '@smartstack/proxy';
import { badRecordsOf } from '@smartstack/registry';
import type { Followed } from '../reconcile/follower.ts';
import { type Source, standsBy, type TracedMember, tracedMembers } from '../reconcile/traced.ts';

export interface Servers {
  /** The proxy's name for a member. */
  nameOf(member: TracedMember['instance']): string;
  readonly known: ReadonlyMap<string, ShownServer>;
  readonly measured: ReadonlyMap<string, MeasuredServer> | undefined;
  /** How the proxy that serves it is shown; undefined where none does. */
  readonly proxy: Pick<ProxyView<unknown, unknown>, 'stateOf'> | undefined;
}

/** A service's members as rows, those in trouble first; then servers that leave. */
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
  const unreadable = unreadableRows(followed, method);
  const others = [...servers.known.values()].filter(({ name }) => !named.has(name));
  return [...rows, ...unreadable, ...others.map((server) => otherRow(server, servers))].sort(
    (one, other) => rank[one.tone] - rank[other.tone],
  );
}

function unreadableRows({ trace }: Followed, method: string): readonly PageRow[] {
  return badRecordsOf(trace?.at('found') ?? []).map(({ id, reason, isUsual }) => ({
    title: id,
    state: isUsual ? 'no member' : 'unreadable',
    tone: 'idle',
    source: method,
    reason: isUsual ? reason : `its record is left out: ${reason}`,
  }));
}

const rank = { bad: 0, warn: 1, good: 2, idle: 3 } as const;

const sources: Readonly<Record<Exclude<Source, 'found'>, string>> = {
  saved: 'an earlier run',
  default: 'default_servers',
  held: 'held back',
  previous: 'previous backends',
};

const reasons: Readonly<Record<Exclude<Source, 'found'>, string>> = {
  saved: 'remembered: no answer yet',
  default: '',
  held: 'no longer announced, served on for now',
  previous: 'no instance is registered any more',
};

function rowOf(
  { instance, source, leftOut, watchers }: TracedMember,
  discovery: string,
  server: ServerState,
): PageRow {
  const method = watchers ? `${discovery}: ${watchers.join(', ')}` : discovery;
  const { host, port, name } = instance;
  const title = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  if (leftOut !== undefined)
    return rowWith({ title, name, state: 'left out', tone: 'idle', source: method }, leftOut);
  const { state, tone, since, until } = server;
  if (source === 'found')
    return rowWith({ title, name, state, tone, since, until, source: method }, server.reason);
  const why = [reasons[source], server.reason].filter(Boolean).join('; ');
  const shown = tone === 'good' ? 'warn' : tone;
  return rowWith({ title, name, state, tone: shown, since, until, source: sources[source] }, why);
}

type Row = { -readonly [K in keyof PageRow]: PageRow[K] };
type Parts = { readonly [K in keyof PageRow]?: PageRow[K] | undefined } & Pick<
  PageRow,
  'title' | 'state' | 'tone'
>;

/** A row without its unknown fields. It is made for thousands of members, many times a minute. */
function rowWith(
  { title, name, state, tone, since, until, source }: Parts,
  reason?: string,
): PageRow {
  const row: Row = { title, state, tone };
  if (name) row.name = name;
  if (since !== undefined) row.since = since;
  if (until !== undefined) row.until = until;
  if (source !== undefined) row.source = source;
  if (reason) row.reason = reason;
  return row;
}

function withPlace(server: ServerState, { instance }: TracedMember, service: Service): ServerState {
  const stands = standsBy(instance, service);
  if (stands === undefined) return server;
  return { ...server, reason: [stands, server.reason].filter(Boolean).join('; ') };
}

function otherRow({ name, address }: ShownServer, servers: Servers): PageRow {
  const { reason, ...state } = stateOf(name, servers);
  return rowWith({ title: address, name, source: 'not served any more', ...state }, reason);
}

/** What the proxy makes of a server. */
function stateOf(name: string, { proxy, known, measured }: Servers): ServerState {
  if (!proxy) return { state: 'known', tone: 'good' };
  return proxy.stateOf(known.get(name), measured?.get(name));
}
