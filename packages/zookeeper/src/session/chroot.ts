import { type Log, messageOf } from '@smartstack/daemon';

import type { Connection } from '../connection/connection.ts';
import type { OperationOptions } from '../contract.ts';
import { createNodes, type NodesOptions } from '../operations/nodes.ts';
import { createOperations } from '../operations/operations.ts';

export interface ChrootOptions extends Pick<NodesOptions, 'acl' | 'deadline'> {
  /** `''` for none. */
  readonly path: string;
  readonly log: Log;
}

/** The path under which all of a session's paths lie. */
export interface Chroot {
  /** Makes sure that it exists. */
  make(options: OperationOptions): Promise<void>;
  /** Uses this connection from now on; on a session's first the chroot is created, since every operation would fail without it. */
  prepare(connection: Connection, isNew: boolean): Promise<void>;
  /** Rejects what waits and what comes. */
  shut(): void;
}

export function createChroot({ path, acl, deadline, log }: ChrootOptions): Chroot {
  const operations = createOperations({ chroot: '', inFlight: 1 });
  const nodes = createNodes({ operations, acl, deadline, makeRoot: async () => {} });
  const make = (options: OperationOptions) => nodes.makePath(path || '/', options);

  return {
    make,
    async prepare(connection, isNew) {
      if (path === '') return;
      operations.attach(connection);
      if (!isNew) return;
      try {
        await make({ signal: connection.gone });
      } catch (error) {
        const fix = `create ${path}, or let these credentials create it`;
        log.warn({ reason: messageOf(error), fix }, 'cannot create the chroot');
      }
    },
    shut: operations.shut,
  };
}
