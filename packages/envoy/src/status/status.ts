import type { ShownServer } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';

import type { ClusterMember } from '../admin/members.ts';
import type { EnvoyConfig } from '../config/config.ts';
import { isSupervised } from '../config/config.ts';
import type { Desired } from '../desired/desire.ts';
import type { EnvoyProcessStatus } from '../process/managed.ts';
import { nameOf } from '../resources/members.ts';
import { clusterName } from '../resources/names.ts';
import { membersAt } from '../resources/served.ts';
import type { StreamStatus } from '../xds/status.ts';
import { states } from './states.ts';
import type { Envoys } from './subscribers.ts';

export interface StatusInput {
  readonly config: EnvoyConfig;
  readonly desired: Desired | undefined;
  readonly envoys: Envoys;
  readonly process: EnvoyProcessStatus | undefined;
  readonly subscribers: readonly StreamStatus[];
  /** The members that Envoy has, by service and name; undefined where it was not asked just now. */
  readonly seen: Seen | undefined;
}

/** What Envoy said of its members, and when, in milliseconds since 1970. */
export interface Seen {
  readonly at: number;
  /** Undefined where it did not answer. */
  readonly members: ReadonlyMap<string, ReadonlyMap<string, Member>> | undefined;
}

export type Member = Pick<ClusterMember, 'status' | 'address'> & Pick<ShownServer, 'ejected'>;

/** What the driver knows, for people: JSON-safe. */
export function statusOf(input: StatusInput) {
  const { config, desired, process, seen } = input;
  const mode = config.managed ? (isSupervised(config) ? 'supervised' : 'managed') : 'external';
  return {
    ...(process?.trouble && { trouble: process.trouble }),
    mode,
    version: process?.version ?? null,
    ...(process && { process }),
    /** When Envoy was asked for its members; null if these are what synapse serves. */
    askedAt: seen ? new Date(seen.at).toISOString() : null,
    resources: resourcesText(input),
    subscribers: input.subscribers,
    services: Object.fromEntries(
      [...(desired?.snapshot ?? [])].flatMap(([name]) => {
        const servers = serversOf(name, input);
        return servers ? [[name, { servers }]] : [];
      }),
    ),
  };
}

function resourcesText({ config, envoys }: Pick<StatusInput, 'config' | 'envoys'>): string {
  const { all, isInStep, refused } = envoys;
  if (all.length === 0) return config.files ? `in ${config.files}` : 'no Envoy is connected';
  if (isInStep) return 'in step';
  return refused.length > 0
    ? `refused: ${refused.map(({ owner }) => owner).join(', ')}`
    : 'on their way';
}

function serversOf(name: string, input: StatusInput): readonly ShownServer[] | undefined {
  const { desired, seen } = input;
  const service = desired?.snapshot.get(name);
  if (!desired || !service || !desired.resources.cluster.has(clusterName(name))) return undefined;
  const had = seen?.members?.get(name);
  const refused = input.envoys.refused.find(({ owner, lastGood }) => owner === name && !lastGood);
  const stateNow = (known: Member | undefined) =>
    refused ? `${states.missing}: refused: ${refused.reason}` : stateOf(known, input);
  const show = (instance: Instance, isLeaving = false): ShownServer => {
    const server = nameOf(instance);
    const known = had?.get(server);
    return {
      name: server,
      address: known?.address ?? `${instance.host}:${instance.port}`,
      state: isLeaving ? states.draining : stateNow(known),
      ...(known?.ejected && !isLeaving && { ejected: known.ejected }),
    };
  };
  return [
    ...(membersAt(service) ?? []).map((one) => show(one)),
    ...(desired.leaving.get(name) ?? []).map((one) => show(one, true)),
  ];
}

function stateOf(
  known: Member | undefined,
  { config, seen, envoys }: Pick<StatusInput, 'config' | 'seen' | 'envoys'>,
) {
  if (known) return wordOf(known.status);
  if (seen?.members) return `${states.missing}: not confirmed yet`;
  if (seen) return `${states.unknown}: envoy does not answer`;
  if (envoys.isInStep) return states.healthy;
  // An Envoy that reads files confirms nothing.
  const state = config.files && envoys.all.length === 0 ? states.unknown : states.missing;
  return `${state}: ${resourcesText({ config, envoys })}`;
}

/** Envoy's own word in small letters; a member of which it knows nothing else it takes for healthy. */
function wordOf(status: string): string {
  return status === 'UNKNOWN' ? states.healthy : status.toLowerCase();
}
