import { connect, type Session } from '@smartstack/zookeeper';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';

import type { RealServer } from '../../servers/server.ts';
import { type ConsulAgent, startConsul } from '../../support/consul.ts';
import { createScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../../support/zookeeper.ts';
import { createMachine, type Machine, type RegistryName, startEtcd } from './machine.ts';

/** All registries of the machine's service, and those that stay when ZooKeeper is down. */
export const all = ['zookeeper', 'etcd', 'consul', 'file'] as const;
export const others = ['etcd', 'consul', 'file'] as const;

/** One ZooKeeper, one etcd and one Consul for all tests of a file, and a machine for each test. */
export interface Shared {
  readonly zookeeper: ZooKeeper;
  readonly etcd: RealServer;
  readonly consul: ConsulAgent;
  readonly machine: Machine;
  /** Waits until exactly these weights are announced in each of the registries. */
  has(weights: readonly unknown[], registries: readonly RegistryName[]): Promise<true>;
}

/** Starts them before the tests and ends them after; what it gives is there within tests. */
export function shareRegistries(): Shared {
  const parts: {
    zookeeper?: ZooKeeper;
    etcd?: RealServer;
    consul?: ConsulAgent;
    machine?: Machine;
  } = {};
  let session: Session | undefined;
  let scratch: Scratch | undefined;

  async function recordsAt(path: string): Promise<readonly Buffer[]> {
    const own = session;
    if (!own || !(await own.exists(path))) return [];
    const { names } = await own.list(path);
    const found = await Promise.all(names.map((name) => own.get(`${path}/${name}`)));
    return found.map(({ data }) => data);
  }

  beforeAll(async () => {
    scratch = await createScratch();
    const consul = startConsul({ directory: scratch.path('consul'), name: 'one' });
    [parts.zookeeper, parts.etcd, parts.consul] = await Promise.all([
      startZooKeeper(),
      startEtcd(),
      consul,
    ]);
    session = connect({ hosts: [parts.zookeeper.hosts] });
  });
  afterAll(async () => {
    await session?.close();
    await parts.consul?.[Symbol.asyncDispose]();
    await parts.etcd?.[Symbol.asyncDispose]();
    await parts.zookeeper?.[Symbol.asyncDispose]();
    await scratch?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    const ports = {
      zookeeper: parts.zookeeper?.port ?? 0,
      etcd: parts.etcd?.port ?? 0,
      consul: parts.consul?.ports.http ?? 0,
    };
    parts.machine = await createMachine(ports, { zookeeper: recordsAt });
  });
  afterEach(async () => {
    await parts.zookeeper?.start();
    await parts.machine?.[Symbol.asyncDispose]();
  });
  return Object.assign(parts as Omit<Shared, 'has'>, {
    has: (weights: readonly unknown[], registries: readonly RegistryName[]) =>
      until(async () => {
        for (const each of registries)
          expect([each, await parts.machine?.weights(each)]).toEqual([each, weights]);
        return true as const;
      }, 15_000),
  });
}

/** Stops one of the servers, or lets it go on. */
export function signal(
  { zookeeper, etcd, consul }: Shared,
  hung: 'zookeeper' | 'etcd' | 'consul',
  name: 'SIGSTOP' | 'SIGCONT',
): void {
  if (hung === 'zookeeper') process.kill(zookeeper.pid, name);
  else if (hung === 'etcd') etcd.kill(name);
  else consul.signal(name);
}
