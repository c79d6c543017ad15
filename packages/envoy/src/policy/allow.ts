import { isIP } from 'node:net';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Policy } from '@smartstack/policy';

import type { CidrRangeSchema } from '../proto/envoy/config/core/v3/address_pb.ts';

type Range = MessageInitShape<typeof CidrRangeSchema>;

/** Who may connect: of others the connection is closed before a byte is read. Undefined for all. */
export function sourcesOf({ allow }: Policy): readonly Range[] | undefined {
  if (!allow) return undefined;
  // No list at all would be everybody: this address is nobody's.
  return allow.length === 0 ? [rangeOf('255.255.255.255')] : allow.map(rangeOf);
}

function rangeOf(text: string): Range {
  const [addressPrefix = '', bits] = text.split('/');
  const all = isIP(addressPrefix) === 6 ? 128 : 32;
  return { addressPrefix, prefixLen: bits === undefined ? all : Number(bits) };
}
