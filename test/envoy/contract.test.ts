import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { envoy } from '@smartstack/envoy';
import { describe } from 'vitest';

import { envoySchema, envoyServiceSchema } from '../../packages/envoy/src/config/config.ts';
import { createEnvoyRun } from '../support/managed-envoy.ts';
import { proxyContract } from '../support/proxy-contract.ts';

describe('envoy', () => {
  proxyContract(
    async () => {
      const run = await createEnvoyRun();
      const { binary, directory } = run.options;
      const config = envoySchema.parse({ binary, run_directory: directory, concurrency: 1 });
      // Envoy refuses a listener whose port is taken.
      const taken = createServer();
      await once(taken.listen(0, '127.0.0.1'), 'listening');
      const section = (port: number) => ({ ...envoyServiceSchema.parse({}), port });
      return {
        kind: envoy,
        config,
        section,
        badSection: () => section((taken.address() as AddressInfo).port),
        stop: async () => {
          taken.close();
          await run[Symbol.asyncDispose]();
        },
        createDriver: () => envoy.create(config, { log: silentLog, metrics: createMetrics() }),
      };
    },
    { confirms: 'later' },
  );
});
