import { createMetrics, silentLog } from '@smartstack/daemon';
import { consulSchema, createRegistries, defaultForm } from '@smartstack/registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type ConsulAgent, startConsul } from '../../support/consul.ts';
import { registryContract } from '../../support/registry-contract.ts';
import { registryRelayContract } from '../../support/registry-relay-contract.ts';
import { startRelay } from '../../support/relay.ts';
import { createScratch, type Scratch } from '../../support/scratch.ts';

let scratch: Scratch;
let agent: ConsulAgent;
beforeAll(async () => {
  scratch = await createScratch();
  agent = await startConsul({ directory: scratch.path('one'), name: 'one' });
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

/** Views of one Consul, each as another process has it. */
function openViews() {
  const opened: ReturnType<typeof createRegistries>[] = [];
  return {
    open: (url = agent.url, more: object = {}) => {
      const registries = createRegistries({ log: silentLog, metrics: createMetrics() });
      opened.push(registries);
      return registries.openConsul(consulSchema.parse({ url, ...more }));
    },
    close: async () => {
      await Promise.all(opened.map((registries) => registries[Symbol.asyncDispose]()));
    },
  };
}

const noOrder = { order: 'Consul keeps no order of registrations' };

describe('with a blocking query for each service', () => {
  registryContract(async () => openViews(), noOrder);
});

describe('with two for all of them', () => {
  registryContract(async () => {
    const { open, close } = openViews();
    return { open: () => open(agent.url, { blocking_queries: 0 }), close };
  }, noOrder);
});

describe.each([100, 0])('through a relay, with %d blocking queries', (queries) => {
  registryRelayContract(
    async () => {
      const { open, close } = openViews();
      const relay = await startRelay(agent.ports.http);
      return {
        relay,
        open: () => open(`http://127.0.0.1:${relay.port}`, { blocking_queries: queries }),
        brief: {
          open: () => {
            const { announceAs } = open(`http://127.0.0.1:${relay.port}`);
            return { announce: (...args) => announceAs({ ...defaultForm, ttl: 2_000 }, ...args) };
          },
          life: 2_000,
        },
        direct: () => open(),
        close: async () => {
          relay.resume();
          await close();
          await relay[Symbol.asyncDispose]();
        },
      };
    },
    { late: 'its servers notice the end of a TTL some time after it' },
  );
});

test('another section for the same agent takes a registration over: the earlier one withdraws nothing', async () => {
  const registries = createRegistries({ log: silentLog, metrics: createMetrics() });
  const { signal } = new AbortController();
  const instance = { host: '127.0.0.1', port: 80, name: 'vm-1' };
  const open = (wait: string) =>
    registries.openConsul(consulSchema.parse({ url: agent.url, wait }));
  const before = await open('1m').announce('reloaded', instance, signal);
  const after = await open('2m').announce('reloaded', instance, signal);
  await before[Symbol.asyncDispose]();
  const services = () => agent.api<object>('GET', '/v1/agent/services');
  expect(Object.keys(await services())).toContain('reloaded-vm-1-127.0.0.1-80');
  await after[Symbol.asyncDispose]();
  expect(Object.keys(await services())).not.toContain('reloaded-vm-1-127.0.0.1-80');
  await registries[Symbol.asyncDispose]();
});
