import { encodeInstance, type Instance } from '../instance/instance.ts';

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
}

/** With longer names a list of children could exceed what ZooKeeper sends. */
const longestName = 65_536;

/** The path of an instance's node, without the sequence number that ZooKeeper appends. */
export function nodePathOf(path: string, instance: Instance, { pathEncoding }: RecordForm): string {
  const encoded = encodeInstance(instance)
    .toString('base64')
    .replace(/\+/g, '-')
    .replace(/\//g, '_');
  return pathEncoding && encoded.length <= longestName
    ? `${path}/base64_${encoded.length}_${encoded}_`
    : `${path}/${instance.name ?? ''}_`;
}
