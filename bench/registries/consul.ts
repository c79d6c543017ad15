import { createMetrics, silentLog } from '@smartstack/daemon';
import { consulSchema, createRegistries } from '@smartstack/registry';

import { startConsul } from '../../test/support/consul.ts';
import { createScratch } from '../../test/support/scratch.ts';
import type { Contestant } from './contestant.ts';

/** Consul, the floor by one blocking query and a registration. */
export async function consul(): Promise<Contestant> {
  const scratch = await createScratch();
  const agent = await startConsul({ directory: scratch.path('agent'), name: 'one' });
  const registries = createRegistries({ log: silentLog, metrics: createMetrics() });
  const registry = registries.openConsul(consulSchema.parse({ url: agent.url }));
  const ask = (method: string, path: string, body?: object) =>
    fetch(`${agent.url}/v1/${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
  return {
    name: 'consul',
    port: agent.ports.http,
    config: (port) => ({
      top: { consul: { url: `http://127.0.0.1:${port}` } },
      discovery: { method: 'consul', service: 'ours' },
    }),
    announce: (instance, signal) => registry.announce('ours', instance, signal),
    floor: async (record) => {
      const now = await ask('GET', 'health/service/floor');
      const index = now.headers.get('x-consul-index') ?? '1';
      await now.text();
      const told = ask('GET', `health/service/floor?index=${index}&wait=60s`);
      const { port } = JSON.parse(record) as { port: number };
      await ask('PUT', 'agent/service/register', { Name: 'floor', ID: 'floor', Port: port });
      await (await told).text();
      return async () => void (await ask('PUT', 'agent/service/deregister/floor'));
    },
    [Symbol.asyncDispose]: async () => {
      await registries[Symbol.asyncDispose]();
      await agent[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}
