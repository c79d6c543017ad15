import { encodeInstance, type Instance } from '../instance/instance.ts';
import { encodeServerset, type ServersetForm } from '../instance/serverset.ts';

export const nodeTypes = [
  'ephemeral_sequential',
  'ephemeral',
  'persistent_sequential',
  'persistent',
] as const;

/** How records are held in ZooKeeper, with the keys of Airbnb's nerve. */
export interface RecordForm {
  /** Default `ephemeral_sequential`. A persistent record outlives its owner unless that withdraws it. */
  readonly nodeType?: (typeof nodeTypes)[number] | undefined;
  /** How often a persistent record is written again, in milliseconds, for clean-up jobs that go by its age. */
  readonly ttl?: number | undefined;
  /** Whether the node's name holds the instance too, so that readers need not read each node. */
  readonly pathEncoding?: boolean | undefined;
  /** As a numbered member of a server set, in place of nerve's own record; not with `pathEncoding`. */
  readonly serverset?: ServersetForm | undefined;
}

/** What a server set's readers know its members by. */
export const memberPrefix = 'member_';

/** With longer names a list of children could exceed what ZooKeeper sends. */
const longestName = 65_536;

/** The path of an instance's node, without the sequence number that ZooKeeper appends. */
export function nodePathOf(
  path: string,
  instance: Instance,
  { pathEncoding, serverset }: RecordForm,
): string {
  if (serverset) return `${path}/${memberPrefix}`;
  const encoded = encodeInstance(instance)
    .toString('base64')
    .replace(/\+/g, '-')
    .replace(/\//g, '_');
  return pathEncoding && encoded.length <= longestName
    ? `${path}/base64_${encoded.length}_${encoded}_`
    : `${path}/${instance.name ?? ''}_`;
}

/** The content of an instance's node. */
export function encodeRecord(instance: Instance, { serverset }: RecordForm): Buffer {
  return serverset ? encodeServerset(instance, serverset) : encodeInstance(instance);
}
