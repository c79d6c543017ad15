import { oneLine } from '@smartstack/daemon';
import type { ProxyKind, ShownServer } from '@smartstack/proxy';

import { allProxies } from '../proxies.ts';
import type { ExplainedMember, Explanation } from './explain.ts';

/** The parts of `/status` that the table shows. */
export interface ShownStatus {
  readonly config_problems: readonly string[];
  readonly services: Readonly<Record<string, ShownService>>;
  readonly proxies: Readonly<Record<string, unknown>>;
}

interface ShownService {
  readonly heard: boolean;
  readonly stale: boolean;
  readonly members: readonly unknown[];
  readonly held: { readonly members: readonly unknown[]; readonly until: string } | null;
  /** Why it, or a part of its discovery, cannot be followed now. */
  readonly trouble?: string | null;
  /** Why the policy that its registry says is not in force. */
  readonly policy_refused?: readonly string[];
  /** Whether the policy that its registry says is remembered from an earlier run. */
  readonly policy_stale?: boolean;
}

interface ShownProxy {
  readonly trouble?: string | null;
  readonly quarantined?: readonly unknown[];
  readonly services?: Readonly<
    Record<
      string,
      { readonly servers?: readonly Pick<ShownServer, 'address' | 'state' | 'ejected'>[] }
    >
  >;
}

/** A table of every service: how many members it has, how many are up in the proxy, and what is unusual. */
export function statusTable({ services, proxies, config_problems: problems }: ShownStatus): string {
  const shown = allProxies.map((proxy) => [proxy, shownProxy(proxy, proxies)] as const);
  const serving = shown.filter(([, { services: served = {} }]) => Object.keys(served).length > 0);
  const hasSeveral = serving.length > 1;
  const rows = Object.entries(services).map(([name, service]) => {
    const [proxy, status] = shown.find(([, { services: served }]) => served?.[name]) ?? [];
    const servers = status?.services?.[name]?.servers;
    const notes = [noteOf(service), ejectedText(servers ?? [])].filter(Boolean);
    return [
      name,
      ...(hasSeveral ? [proxy?.name ?? '-'] : []),
      String(service.members.length),
      upIn(servers, proxy),
      notes.join('; '),
    ];
  });
  const notes = [
    ...Object.entries(proxies).flatMap(troubleNote),
    ...shown.flatMap(quarantineNote),
    ...problems.map((problem) => `configuration: ${problem}`),
  ];
  const head = ['SERVICE', ...(hasSeveral ? ['PROXY'] : []), 'MEMBERS', 'UP', ''];
  return `${table([head, ...rows])}${notes.map((note) => `${note}\n`).join('')}`;
}

const shownProxy = ({ name }: ProxyKind, proxies: ShownStatus['proxies']) =>
  (proxies[name] ?? {}) as ShownProxy;

function troubleNote([name, shown]: readonly [string, unknown]): readonly string[] {
  const { trouble } = (shown ?? {}) as ShownProxy;
  return trouble ? [`${name}: ${trouble}`] : [];
}

function quarantineNote([{ name }, { quarantined = [] }]: readonly [ProxyKind, ShownProxy]) {
  return quarantined.length > 0
    ? [`${name}: ${quarantined.length} services are left out: see --json`]
    : [];
}

/** An explanation as sentences, of one member only where `address` is given. */
export function explanationText(explanation: Explanation, address?: string): string {
  const { service, method, configured_at: place, summary, members, unreadable } = explanation;
  const head = `${service} (${method}, ${place}): ${summary}\n${troubleText(explanation)}${registryText(explanation)}${trafficLine(explanation)}${refusedText(explanation)}`;
  const chosen = members.filter(
    (member) => address === undefined || plain(member.address) === plain(address),
  );
  if (address !== undefined && chosen.length === 0)
    return `${head}  ${address}: not found: no instance is registered where ${service} is looked for, or its record cannot be read\n${unreadableText(unreadable)}`;
  const rows = chosen.map((member) => [
    `  ${member.address}`,
    member.name ?? '',
    member.served ? 'served' : 'not served',
    [member.why, watchersText(member), member.record].filter(Boolean).join('; '),
  ]);
  return `${head}${table(rows)}${address === undefined ? unreadableText(unreadable) : ''}`;
}

/** Where several registries have a member, it counts once. */
function watchersText({ watchers: [first, ...others] = [] }: ExplainedMember): string {
  if (first === undefined) return '';
  return others.length === 0
    ? `in watcher ${first}`
    : `in watcher ${first}, also in ${others.join(' and ')}`;
}

function troubleText({ troubles }: Explanation): string {
  return troubles
    .map(
      ({ part, reason }) =>
        `  ${part || 'its discovery'} fails, and is tried again: ${oneLine(reason)}\n`,
    )
    .join('');
}

function trafficLine({ traffic }: Explanation): string {
  return traffic === undefined ? '' : `  ${traffic}\n`;
}

function refusedText({ policy_refused: problems = [] }: Explanation): string {
  const head = '  the policy in its registry is refused, and the one before stays: ';
  return problems.map((problem) => `${head}${problem}\n`).join('');
}

function registryText({ registry_config: said = {} }: Explanation): string {
  const keys = Object.entries(said).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return keys.length === 0 ? '' : `  its ZooKeeper path sets ${keys.join(', ')}\n`;
}

/** An IPv6 address is known without its brackets, too. */
const plain = (address: string) => address.replace(/^\[(.*)\](?=:\d+$)/, '$1');

function unreadableText(records: Explanation['unreadable']): string {
  return table(records.map(({ id, reason }) => [`  ${id}`, 'cannot be read', reason]));
}

type Servers = NonNullable<NonNullable<ShownProxy['services']>[string]['servers']>;

function upIn(servers: Servers | undefined, proxy: ProxyKind | undefined): string {
  const meanings = servers?.map(({ state }) => proxy?.view.meaningOf(state) ?? 'unknown');
  // A proxy that cannot be asked is not a proxy without servers that are up.
  if (!meanings || meanings.includes('unknown')) return '-';
  return String(meanings.filter((meaning) => meaning === 'up').length);
}

/** Which members are ejected, until when: `ejected: 10.0.0.1:80 until 2026-01-01T00:00:30.000Z`. */
function ejectedText(servers: Servers): string {
  const out = servers.flatMap(({ address, ejected }) =>
    ejected ? [`${address} until ${ejected.back ?? 'it accepts connections'}`] : [],
  );
  if (out.length === 0) return '';
  const more = out.length > mostNamed ? ` and ${out.length - mostNamed} more` : '';
  return `ejected: ${out.slice(0, mostNamed).join(', ')}${more}`;
}

const mostNamed = 3;

function noteOf({
  heard,
  stale,
  held,
  trouble,
  policy_refused: refused = [],
  policy_stale: isPolicyStale = false,
}: ShownService): string {
  const notes = [
    ...(held ? [`${held.members.length} lost members held back until ${held.until}`] : []),
    ...(stale ? ['stale: remembered from an earlier run'] : []),
    ...(isPolicyStale ? ['its registry’s policy is remembered from an earlier run'] : []),
    ...(heard || stale ? [] : ['no answer yet']),
    ...(trouble ? [`trouble: ${trouble}`] : []),
    ...(refused.length > 0
      ? [`the registry’s policy cannot be used, the last good one stays: ${refused.join('; ')}`]
      : []),
  ];
  return notes.join('; ');
}

/** Rows in columns, as wide as their widest cells. Cells may hold what others wrote. */
export function table(written: readonly (readonly string[])[]): string {
  const rows = written.map((row) => row.map(oneLine));
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
