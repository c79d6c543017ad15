import { readName } from '../instance/fields.ts';
import { type BadRecord, type Instance, isBadRecord, isHost } from '../instance/instance.ts';
import type { RecordDecoder } from '../instance/record.ts';
import { withSource } from '../instance/source.ts';
import type { ConsulRecord } from './entries.ts';
import { isWanted, type WantedHealth } from './health.ts';
import { isMarkOrRecord, readRegistration } from './registration.ts';

/** Where labels come from; what stands later in this list wins. */
export const labelSources = ['datacenter', 'node_meta', 'tags', 'meta'] as const;
export type LabelSource = (typeof labelSources)[number];

/** What becomes of Consul's records. */
export interface ConsulMapping {
  readonly health: WantedHealth;
  readonly labelsFrom: readonly LabelSource[];
  /** A tag without `=` becomes a label of this name and the tag, with the value `true`. */
  readonly tagPrefix: string;
  /** Labels that get another name. */
  readonly labelNames: Readonly<Record<string, string>>;
  /** Which of Consul's tagged addresses is used where an instance has it, such as `wan`. */
  readonly taggedAddress?: string | undefined;
  /** The port of instances without one. */
  readonly port?: number | undefined;
}

export const defaultMapping: ConsulMapping = {
  health: 'passing',
  labelsFrom: labelSources,
  tagPrefix: 'tag_',
  labelNames: {},
};

/** Maps records that `createEntryReader` made. What nerve registered is read as nerve wrote it. */
export function recordMapper(mapping: ConsulMapping): RecordDecoder {
  return (id, data) => {
    const record = JSON.parse(data.toString()) as Partial<ConsulRecord>;
    return isWhole(record) ? mapped(id, record, mapping) : { id, reason: 'not an entry of Consul' };
  };
}

function isWhole(record: Partial<ConsulRecord>): record is ConsulRecord {
  return record.node !== undefined;
}

function mapped(id: string, record: ConsulRecord, mapping: ConsulMapping): Instance | BadRecord {
  const { status, why, service, node, datacenter, modifyIndex } = record;
  if (!isWanted(status, mapping.health)) return { id, reason: why, isUsual: true };
  const own = readRegistration(id, record);
  const instance = own ?? memberOf(id, record, mapping);
  if (isBadRecord(instance)) return instance;
  const where = datacenter === '' ? node : `${node} of ${datacenter}`;
  return withSource(
    instance,
    `service ${record.id} (${service}) on node ${where}, ModifyIndex ${modifyIndex}`,
  );
}

function memberOf(id: string, record: ConsulRecord, mapping: ConsulMapping): Instance | BadRecord {
  const { host, port } = addressOf(record, mapping);
  if (!isHost(host)) return { id, reason: host === '' ? 'no address' : 'bad address' };
  if (port === 0) return { id, reason: 'no port' };
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return { id, reason: 'bad port' };
  const labels = labelsOf(record, mapping);
  const { value: name } = readName(record.node);
  const weight = weightOf(record);
  return {
    host,
    port,
    ...(name !== undefined && { name }),
    ...(weight !== undefined && { weight }),
    ...(Object.keys(labels).length > 0 && { labels }),
    id,
  };
}

function addressOf(record: ConsulRecord, { taggedAddress, port: usual = 0 }: ConsulMapping) {
  const { addresses, nodeAddresses, address, nodeAddress } = record;
  const tagged = taggedAddress === undefined ? undefined : ownOf(addresses, taggedAddress);
  const node = taggedAddress === undefined ? undefined : ownOf(nodeAddresses, taggedAddress);
  return {
    host: tagged?.Address || address || node || nodeAddress,
    port: tagged?.Port || record.port || usual,
  };
}

/** Consul gives every instance a weight of 1 that has none: that is a member without one. */
function weightOf({ weights, status }: ConsulRecord): number | undefined {
  const weight = status === 'passing' ? weights.Passing : weights.Warning;
  return Number.isSafeInteger(weight) && weight >= 0 && weight !== 1 ? weight : undefined;
}

function labelsOf(
  { datacenter, nodeMeta, tags, meta }: ConsulRecord,
  { labelsFrom, tagPrefix, labelNames }: ConsulMapping,
): Readonly<Record<string, string>> {
  const from: Readonly<Record<LabelSource, () => readonly (readonly [string, string])[]>> = {
    datacenter: () => (datacenter === '' ? [] : [['datacenter', datacenter]]),
    node_meta: () => Object.entries(nodeMeta),
    tags: () => tags.map((tag) => labelOfTag(tag, tagPrefix)),
    meta: () => Object.entries(meta),
  };
  const entries = labelSources
    .filter((source) => labelsFrom.includes(source))
    .flatMap((source) => from[source]())
    .filter(([key, value]) => key !== '' && value !== '' && !isConsulsOwn(key))
    .map(([key, value]) => [ownOf(labelNames, key) ?? key, value] as const);
  return Object.fromEntries(entries);
}

/** `version=v2` is a label; `canary` says that something is so. */
function labelOfTag(tag: string, prefix: string): readonly [string, string] {
  const at = tag.indexOf('=');
  return at > 0 ? [tag.slice(0, at), tag.slice(at + 1)] : [`${prefix}${tag}`, 'true'];
}

function isConsulsOwn(key: string): boolean {
  return key.startsWith('consul-') || isMarkOrRecord(key);
}

function ownOf<T>(of: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(of, key) ? of[key] : undefined;
}
