import { oneLine } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';

import type { ServiceConfig } from '../config/config.ts';
import { addressOf } from '../discovery/multi/resolvers.ts';
import { partsOf } from '../discovery/table.ts';
import type { Trace } from '../discovery/trace.ts';
import { table } from './shown.ts';

/** What one registry of a service has. */
export interface ComparedWatcher {
  readonly name: string;
  readonly method: string;
  /** Null where it has not answered. */
  readonly members: number | null;
  /** Why it does not answer now: its members are those that it had last. */
  readonly trouble?: string;
}

/** A machine that not every registry has. */
export interface LoneMember {
  readonly address: string;
  readonly name: string | null;
  readonly in: readonly string[];
  readonly not_in: readonly string[];
}

/** Something that registries say differently of one machine. */
export interface Difference {
  readonly address: string;
  readonly field: 'name' | 'weight' | 'labels';
  /** By watcher; null where it says nothing. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** What the registries of one service have, beside one another. */
export interface Comparison {
  readonly service: string;
  /** Undefined while a registry does not answer. */
  readonly equal?: boolean;
  readonly watchers: readonly ComparedWatcher[];
  readonly lone: readonly LoneMember[];
  readonly differences: readonly Difference[];
}

/** Compares what the watchers of a `multi` found last; undefined for a discovery of one registry. */
export function compare(
  service: string,
  config: ServiceConfig,
  trace: Pick<Trace, 'parts' | 'troubles' | 'isAway'> | undefined,
): Comparison | undefined {
  const { discovery } = config;
  if (discovery.method !== 'multi') return undefined;
  const lists = trace?.parts() ?? new Map<string, readonly Instance[]>();
  const watchers = partsOf(discovery).map(([path, { method }]) => {
    const name = String(path.at(-1));
    const trouble = troubleAt(name, trace);
    const members = lists.get(name)?.length ?? null;
    return { name, method, members, ...(trouble !== undefined && { trouble }) };
  });
  const names = watchers.flatMap(({ name, members }) => (members === null ? [] : [name]));
  const found = membersIn(names, lists);
  const lone = [...found.values()].flatMap((one) => loneOf(one, names));
  const differences = [...found.values()].flatMap(differencesOf);
  const isWhole = watchers.every(
    ({ members, trouble }) => members !== null && trouble === undefined,
  );
  return {
    service,
    ...(isWhole && { equal: lone.length === 0 && differences.length === 0 }),
    watchers,
    lone,
    differences,
  };
}

/** Why a watcher, or a part of it, cannot be asked. */
function troubleAt(
  watcher: string,
  trace: Pick<Trace, 'troubles' | 'isAway'> | undefined,
): string | undefined {
  const whole = `watcher ${watcher}`;
  const found = trace
    ?.troubles()
    .find(({ part }) => part === whole || part.startsWith(`${whole}, `));
  return found?.reason ?? (trace?.isAway(watcher) ? 'its connection is lost' : undefined);
}

/** One machine's records, by watcher. */
type Records = ReadonlyMap<string, Instance>;

function membersIn(
  names: readonly string[],
  lists: ReadonlyMap<string, readonly Instance[]>,
): ReadonlyMap<string, Records> {
  const found = new Map<string, Map<string, Instance>>();
  for (const name of names)
    for (const member of lists.get(name) ?? []) {
      const address = addressOf(member);
      found.set(address, (found.get(address) ?? new Map<string, Instance>()).set(name, member));
    }
  return found;
}

function loneOf(records: Records, names: readonly string[]): readonly LoneMember[] {
  const [member] = records.values();
  const without = names.filter((name) => !records.has(name));
  if (!member || without.length === 0) return [];
  const { name = null } = member;
  return [{ address: textOf(member), name, in: [...records.keys()], not_in: without }];
}

function differencesOf(records: Records): readonly Difference[] {
  const [first] = records.values();
  if (!first) return [];
  return (['name', 'weight', 'labels'] as const).flatMap((field) => {
    const values = [...records].map(
      ([watcher, member]) => [watcher, saidOf(member, field)] as const,
    );
    const texts = new Set(values.map(([, value]) => JSON.stringify(value)));
    if (texts.size < 2) return [];
    return [{ address: textOf(first), field, values: Object.fromEntries(values) }];
  });
}

/** Labels in one order, and none where there are none. */
function saidOf(member: Instance, field: Difference['field']): unknown {
  if (field !== 'labels') return member[field] ?? null;
  const labels = Object.entries(member.labels ?? {}).toSorted(([one], [other]) =>
    one < other ? -1 : 1,
  );
  return labels.length === 0 ? null : Object.fromEntries(labels);
}

const textOf = ({ host, port }: Instance) => `${host}:${port}`;

/** The comparison as text. */
export function comparisonText({
  service,
  equal,
  watchers,
  lone,
  differences,
}: Comparison): string {
  const silent = watchers.filter(({ members }) => members === null).map(({ name }) => name);
  const failing = watchers.filter(({ members, trouble }) => members !== null && trouble);
  const heads = [
    ...(equal ? [`${service}: the registries have the same members`] : []),
    ...(silent.length > 0
      ? [`${service}: not known: no answer from ${silent.join(', ')} yet`]
      : []),
    ...failing.map(
      ({ name, trouble = '' }) =>
        `${service}: not known: ${name} does not answer now, and what it had last is compared: ${oneLine(trouble)}`,
    ),
    ...(lone.length > 0
      ? [
          `${service}: ${lone.length} ${lone.length === 1 ? 'member is' : 'members are'} not in every registry`,
        ]
      : []),
    ...(differences.length > 0
      ? [
          `${service}: the registries say different things of ${new Set(differences.map(({ address }) => address)).size} of its members`,
        ]
      : []),
  ];
  return [
    ...heads.map((line) => `${line}\n`),
    '\n',
    table([
      ['WATCHER', 'METHOD', 'MEMBERS'],
      ...watchers.map(({ name, method, members }) => [name, method, String(members ?? '-')]),
    ]),
    lone.length === 0
      ? ''
      : `\n${table([
          ['ADDRESS', 'NAME', 'IN', 'NOT IN'],
          ...lone.map((one) => [
            one.address,
            one.name ?? '',
            one.in.join(', '),
            one.not_in.join(', '),
          ]),
        ])}`,
    differences.length === 0
      ? ''
      : `\n${table([
          ['ADDRESS', 'FIELD', 'WHAT EACH SAYS'],
          ...differences.map(({ address, field, values }) => [
            address,
            field,
            Object.entries(values)
              .map(
                ([watcher, value]) =>
                  `${watcher}: ${value === null ? 'none' : JSON.stringify(value)}`,
              )
              .join('; '),
          ]),
        ])}`,
  ].join('');
}
