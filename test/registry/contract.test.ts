import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createMetrics, silentLog } from '@smartstack/daemon';
import {
  createFileRegistry,
  createMemoryRegistry,
  createZooKeeperRegistry,
  type Registry,
} from '@smartstack/registry';
import { afterAll, beforeAll, describe } from 'vitest';

import { registryContract } from '../support/registry-contract.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

const deps = { log: silentLog, metrics: createMetrics() };

/** Opens views and disposes of all of them at the end. */
function views(open: () => Registry) {
  const opened: Registry[] = [];
  return {
    open: () => {
      const registry = open();
      opened.push(registry);
      return registry;
    },
    close: async () => {
      await Promise.all(opened.map((registry) => registry[Symbol.asyncDispose]()));
    },
  };
}

const noOrder = { order: 'its records have no numbers' };

describe('memory', () => {
  registryContract(async () => {
    const registry = createMemoryRegistry();
    return views(() => registry);
  });
});

describe('file', () => {
  registryContract(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'registry-'));
    const { open, close } = views(() => createFileRegistry({ directory, ...deps }));
    return {
      open,
      close: async () => {
        await close();
        await rm(directory, { recursive: true, force: true });
      },
    };
  }, noOrder);
});

describe('zookeeper', () => {
  let server: Awaited<ReturnType<typeof startZooKeeper>>;
  let count = 0;
  beforeAll(async () => {
    server = await startZooKeeper();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  registryContract(async () => {
    const chroot = `/run-${count++}`;
    return views(() => createZooKeeperRegistry({ hosts: [`${server.hosts}${chroot}`], ...deps }));
  });
});
