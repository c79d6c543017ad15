import { expect, test } from 'vitest';

import { envoySchema } from '../config/config.ts';
import { createDesire } from '../desired/desire.ts';
import { statusOf } from './status.ts';
import type { Envoys } from './subscribers.ts';

const hosts = { resolve: (host: string) => host, learn: async () => false, changes: () => [] };

test.each([
  ['that Envoy took', [], 'healthy'],
  ['that runs on what it took before', [{ lastGood: true }], 'healthy'],
  ['whose listener it refused', [{ lastGood: false }], 'not in envoy: refused: address in use'],
])('the members of a service %s are shown so', (_, refusals, state) => {
  const config = envoySchema.parse({});
  const desire = createDesire(config, hosts as never);
  const web = {
    name: 'web',
    instances: [{ host: '10.0.0.1', port: 80 }],
    defaults: [],
    own: { envoy: { disabled: false, port: 3213 } },
    origin: 'synapse.yaml:1:1',
  };
  const envoys: Envoys = {
    all: [],
    isInStep: true,
    isSettled: true,
    refused: refusals.map((each) => ({
      owner: 'web',
      reason: 'address in use',
      since: '',
      ...each,
    })),
  };
  const { services } = statusOf({
    config,
    desired: desire.of(new Map([['web', web]])),
    envoys,
    process: undefined,
    subscribers: [],
    seen: undefined,
  });
  expect(services.web?.servers).toEqual([{ name: '10.0.0.1:80', address: '10.0.0.1:80', state }]);
});
