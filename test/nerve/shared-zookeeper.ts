import { connect, type Session } from '@smartstack/zookeeper';
import { afterAll, beforeAll } from 'vitest';

import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

/** One ZooKeeper, and a session beside nerve's own, for all tests of a file. */
export interface SharedZooKeeper {
  readonly zookeeper: ZooKeeper;
  readonly session: Session;
}

/** Starts it before the file's first test, and stops it after the last; what it gives is there within tests. */
export function shareZooKeeper(): SharedZooKeeper {
  const shared: { zookeeper?: ZooKeeper; session?: Session } = {};
  beforeAll(async () => {
    shared.zookeeper = await startZooKeeper();
    shared.session = connect({ hosts: [shared.zookeeper.hosts] });
  });
  afterAll(async () => {
    await shared.session?.close();
    await shared.zookeeper?.[Symbol.asyncDispose]();
  });
  return shared as SharedZooKeeper;
}
