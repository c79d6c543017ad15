import { createTimeSlice } from '@smartstack/daemon';

import { withBadRecords } from '../instance/decoder.ts';
import { readName } from '../instance/fields.ts';
import { type BadRecord, type Instance, keyOf } from '../instance/instance.ts';
import { withSource } from '../instance/source.ts';
import { type LabelRules, labelsOf } from './labels.ts';
import type { Endpoint, Slice, SlicePort } from './slice.ts';

/** What becomes of a service's endpoints. */
export interface MemberRules {
  /** A port's name or number; undefined for the only one. */
  readonly port?: string | number | undefined;
  /** Our labels and where they come from; undefined for the usual ones. */
  readonly labels?: LabelRules | undefined;
  /** Whether endpoints that end, and serve yet, are members while no other is ready. */
  readonly isFallback: boolean;
  /** Which addresses count; undefined for IPv4 where there are any, then IPv6, then names. */
  readonly addressType?: string | undefined;
}

/** How good an endpoint is; of two slices that name one endpoint, the better word counts. */
const standings = ['left', 'ending', 'ready'] as const;

interface Found {
  readonly standing: (typeof standings)[number];
  readonly instance: Instance | undefined;
  /** By which it is one endpoint, whatever slice it stands in. */
  readonly address: string;
  /** Why it is no member, where it is none. */
  readonly record: BadRecord;
}

/**
 * A function from a service's slices to its members, which makes of each slice once what it says; of thousands in pieces,
 * between which others have their turn.
 */
export function createMembers(
  rules: MemberRules,
): (slices: readonly Slice[]) => Promise<readonly Instance[]> {
  const known = new WeakMap<Slice, readonly Found[]>();
  const foundIn = (slice: Slice): readonly Found[] => {
    const before = known.get(slice);
    if (before) return before;
    const found = slice.endpoints.map((each, index) => find(slice, each, index, rules));
    known.set(slice, found);
    return found;
  };

  return async (slices) => {
    const type = rules.addressType ?? usualType(slices);
    const turn = createTimeSlice();
    const all: (readonly Found[])[] = [];
    for (const slice of slices) {
      if (slice.addressType !== type) continue;
      all.push(foundIn(slice));
      if (turn.isOver) await turn.yield();
    }
    const found = onceEach(all.flat());
    const isAnyReady = found.some(({ standing }) => standing === 'ready');
    const isMember = ({ standing }: Found) =>
      standing === 'ready' || (standing === 'ending' && rules.isFallback && !isAnyReady);
    const members = found.flatMap((each) =>
      each.instance && isMember(each) ? [each.instance] : [],
    );
    return withBadRecords(
      members,
      found.flatMap((each) => (each.instance && isMember(each) ? [] : [each.record])),
    );
  };
}

/** A pod of a dual-stack service has an address of each family, and is one member. */
function usualType(slices: readonly Slice[]): string {
  const types = ['IPv4', 'IPv6', 'FQDN'];
  return types.find((type) => slices.some(({ addressType }) => addressType === type)) ?? 'IPv4';
}

/** An endpoint may stand in two slices while it is moved from one to the other. */
function onceEach(all: readonly Found[]): readonly Found[] {
  const best = new Map<string, Found>();
  const others: Found[] = [];
  for (const found of all) {
    if (!found.instance) {
      others.push(found);
      continue;
    }
    const before = best.get(found.address);
    if (!before || rankOf(found) > rankOf(before)) best.set(found.address, found);
  }
  return [...best.values(), ...others];
}

const rankOf = ({ standing }: Found) => standings.indexOf(standing);

function find(slice: Slice, endpoint: Endpoint, index: number, rules: MemberRules): Found {
  const { address, target, hostname } = endpoint;
  const id = `${slice.name}/${target ?? address ?? `endpoint ${index}`}`;
  const left = (reason: string): Found => ({
    standing: 'left',
    instance: undefined,
    address: '',
    record: { id, reason },
  });
  if (address === undefined) return left(`it has no ${slice.addressType} address`);
  const port = portOf(slice.ports, rules.port);
  if (typeof port === 'string') return left(port);
  const name = readName(target ?? hostname ?? '').value;
  const labels = labelsOf(slice, endpoint, rules.labels);
  const instance: Instance = {
    host: address,
    port,
    ...(name !== undefined && { name }),
    ...(Object.keys(labels).length > 0 && { labels }),
    id,
  };
  // Read once, so that lists of thousands need not do it all at one time.
  keyOf(instance);
  return {
    ...standingOf(endpoint, id),
    address: `${address} ${port}`,
    instance: withSource(
      instance,
      `endpointslice ${slice.namespace}/${slice.name}, resourceVersion ${slice.resourceVersion}`,
    ),
  };
}

function standingOf(
  { isReady, isServing, isTerminating }: Endpoint,
  id: string,
): Pick<Found, 'standing' | 'record'> {
  const record = (reason: string): BadRecord => ({ id, reason, isUsual: true });
  if (isReady) return { standing: 'ready', record: record('') };
  if (isTerminating && isServing)
    return { standing: 'ending', record: record('terminating, and serving only until it ends') };
  return isTerminating
    ? { standing: 'left', record: record('terminating') }
    : { standing: 'left', record: record('not ready') };
}

/** The port that is meant, or why there is none. */
function portOf(ports: readonly SlicePort[], wanted: string | number | undefined): number | string {
  const tcp = ports.filter(({ protocol }) => protocol === 'TCP');
  // A slice without ports has none of its own to tell.
  if (typeof wanted === 'number')
    return tcp.length === 0 || tcp.some(({ port }) => port === wanted || port === undefined)
      ? wanted
      : `it has no port ${wanted}, but ${shown(tcp)}`;
  const found =
    wanted === undefined
      ? tcp.length === 1
        ? tcp[0]
        : undefined
      : tcp.find(({ name }) => name === wanted);
  if (found) return found.port ?? `its port ${found.name} has no number; set one`;
  if (wanted !== undefined) return `it has no port ${wanted}, but ${shown(tcp)}`;
  return tcp.length === 0 ? 'it has no TCP port' : `it has the ports ${shown(tcp)}: set port`;
}

function shown(ports: readonly SlicePort[]): string {
  const names = ports
    .slice(0, 8)
    .map(({ name, port }) => (name === '' ? `${port}` : `${name} (${port})`));
  return names.join(', ') || 'none';
}
