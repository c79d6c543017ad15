import { setTimeout as sleep } from 'node:timers/promises';

import { createMetrics } from '@smartstack/daemon';
import { connect } from '@smartstack/zookeeper';

import { sizes } from './stack.ts';
import { createKnowledge, type Subject } from './subject.ts';

const name = 'ours';

async function connectOurs(hosts: string): Promise<Subject> {
  const metrics = createMetrics();
  const session = connect({ hosts: [hosts], timeout: 30_000, metrics });
  await session.exists('/');
  const knowledge = createKnowledge();
  const ended = new AbortController();
  const following: Promise<void>[] = [];
  let looked = 0;

  const counter = metrics.counter({
    name: 'zookeeper_operations_total',
    help: '',
    labels: ['ensemble', 'operation', 'code'],
  });
  async function count(operation: string): Promise<number> {
    const { values } = await counter.get();
    return values.find(({ labels }) => labels.operation === operation)?.value ?? 0;
  }

  async function followOne(service: string) {
    for await (const children of session.children(service, ended.signal))
      knowledge.learn(service, new Set(children.map((child) => child.name)));
  }

  return {
    name,
    async read(paths) {
      await Promise.all(paths.map((path) => session.get(path, { deadline: 60_000 })));
    },
    async follow(services) {
      for (const service of services) following.push(followOne(service));
      await knowledge.until((known) => known.size === services.length);
      looked = await count('look at');
    },
    seen: (service, member) => knowledge.until((known) => known.get(service)?.has(member) ?? false),
    requests: async () => ({ lists: await count('list'), reads: await count('get') }),
    async verified() {
      while ((await count('look at')) < looked + sizes.services * sizes.members) await sleep(5);
    },
    async close() {
      ended.abort();
      await Promise.all(following);
      await session.close();
    },
  };
}

export const ours = { name, connect: connectOurs };
