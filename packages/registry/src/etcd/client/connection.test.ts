import { expect, test } from 'vitest';

import { startFakeEtcd } from '../server.fixture.ts';
import { openConnection } from './connection.ts';

test('a call that cannot be made is refused, and nothing of it is left', async () => {
  await using etcd = await startFakeEtcd();
  const { signal } = new AbortController();
  const connection = await openConnection({ endpoint: etcd.endpoint, timeout: 2_000 }, signal);
  const options = { metadata: { connection: 'close' }, timeout: 30, signal };
  await expect(connection.call('/x', Buffer.alloc(0), options)).rejects.toThrow();
  // Its limit of time is over; an error in that moment would end the process.
  await new Promise((resolve) => setTimeout(resolve, 100));
  connection.close();
});
