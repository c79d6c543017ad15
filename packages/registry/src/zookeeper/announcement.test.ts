import { silentLog } from '@smartstack/daemon';
import type { Session } from '@smartstack/zookeeper';
import { expect, test } from 'vitest';

import type { Instance } from '../instance/instance.ts';
import { announceRecord } from './announcement.ts';
import { createSharedNodes } from './shared-nodes.ts';

const { signal } = new AbortController();

/** A session whose nodes stand in a set, and that refuses to remove as often as is asked for. */
function createSession() {
  const nodes = new Set<string>();
  let refusals = 0;
  let sequence = 0;
  const session = {
    makePath: async () => {},
    create: async (path: string) => {
      sequence += 1;
      const node = `${path}${String(sequence).padStart(10, '0')}`;
      nodes.add(node);
      return node;
    },
    remove: async (path: string) => {
      refusals -= 1;
      if (refusals >= 0) throw new Error('no answer from the server');
      nodes.delete(path);
    },
  } as unknown as Session;
  return { session, nodes, refuse: (times: number) => (refusals = times) };
}

test('a record in whose place another one stands is removed, however often that is refused', async () => {
  const { session, nodes, refuse } = createSession();
  const form = { nodeType: 'persistent_sequential', pathEncoding: true } as const;
  const options = { session, log: silentLog, path: '/web', form, shared: createSharedNodes() };
  const web: Instance = { host: '10.0.0.1', port: 80, name: 'a' };
  const announcement = await announceRecord(options, web, signal);
  refuse(1);
  await expect(announcement.update({ ...web, weight: 2 }, signal)).rejects.toThrow('no answer');
  expect(nodes.size).toBe(2);
  refuse(1);
  await expect(announcement[Symbol.asyncDispose]()).rejects.toThrow('no answer');
  await announcement[Symbol.asyncDispose]();
  expect(nodes.size).toBe(0);
});
