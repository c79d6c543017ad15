import zookeeper, { type ACL } from 'node-zookeeper-client';

import type { Acl } from '../contract.ts';

const permissions = { read: 1, write: 2, create: 4, delete: 8, admin: 16 };

/** Access control lists as the library wants them; without any, everyone may do everything. */
export function toAcls(acl: readonly Acl[] | undefined): readonly ACL[] {
  if (!acl || acl.length === 0) return zookeeper.ACL.OPEN_ACL_UNSAFE;
  return acl.map(
    ({ scheme, id, permissions: names }) =>
      new zookeeper.ACL(
        names.reduce((bits, name) => bits | permissions[name], 0),
        new zookeeper.Id(scheme, id),
      ),
  );
}
