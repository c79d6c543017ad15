import type { Stat } from '@smartstack/zookeeper';

import type { RegistryRecord } from '../instance/record.ts';

/** A node below a service's path, with what its last read told of it; names that hold their instance are not read. */
export interface NodeRecord extends RegistryRecord {
  readonly stat: Stat | undefined;
}

/** Where a node stands and its versions, in the words and numbers of ZooKeeper's own command line. */
export function placeOf(path: string, { id, stat }: NodeRecord): string {
  const node = `${path}/${id.length > longest ? `${id.slice(0, 60)}…${id.slice(-20)}` : id}`;
  return stat ? `${node} cZxid ${hex(stat.czxid)}, mZxid ${hex(stat.mzxid)}` : node;
}

/** A name that holds its instance is as long as that; its beginning and its sequence number tell it from others. */
const longest = 100;

const hex = (zxid: bigint) => `0x${zxid.toString(16)}`;
