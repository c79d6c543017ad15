import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Balance, Key } from '@smartstack/policy';

import type { RouteAction_HashPolicySchema } from '../proto/envoy/config/route/v3/route_components_pb.ts';

/** What of a request says which member it goes to, where the balance is by that. */
export function keyOf(balance: Balance | undefined): Key | undefined {
  if (typeof balance !== 'object') return undefined;
  return 'ring_hash' in balance ? balance.ring_hash : balance.maglev;
}

/** How Envoy reads that of a request; where it has none of it, a member is taken at random. */
export function hashPolicyOf(key: Key): MessageInitShape<typeof RouteAction_HashPolicySchema> {
  if (key === 'source')
    return { policySpecifier: { case: 'connectionProperties', value: { sourceIp: true } } };
  return 'header' in key
    ? { policySpecifier: { case: 'header', value: { headerName: key.header } } }
    : { policySpecifier: { case: 'cookie', value: { name: key.cookie } } };
}
