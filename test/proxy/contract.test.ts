import { createMetrics, silentLog } from '@smartstack/daemon';
import { haproxy } from '@smartstack/haproxy';
import { memoryProxy } from '@smartstack/proxy';
import { describe } from 'vitest';

import { createRun } from '../support/haproxy.ts';
import { haproxyVersions } from '../support/haproxy-versions.ts';
import { proxyContract } from '../support/proxy-contract.ts';

const deps = () => ({ log: silentLog, metrics: createMetrics() });

function parsed<Section>(section: Section | undefined): Section {
  if (section === undefined) throw new Error('no section');
  return section;
}

describe('memory', () => {
  proxyContract(async () => ({
    kind: memoryProxy,
    config: { off: false },
    section: (port) => ({ port }),
    badSection: (port) => ({ port, refuse: 'it is bad' }),
    stop: async () => {},
    createDriver: () => memoryProxy.create({ off: false }, deps()),
  }));
});

describe.each(haproxyVersions())('haproxy $version', ({ binary }) => {
  proxyContract(async () => {
    const run = await createRun(binary);
    const config = parsed(haproxy.config.keys.read.parse(run.config));
    const section = (port: number, lines: readonly string[]) =>
      parsed(haproxy.config.keys.service.parse({ port, listen: lines }));
    return {
      kind: haproxy,
      config,
      section: (port) => section(port, ['mode tcp']),
      badSection: (port) => section(port, ['no such keyword']),
      stop: async () => run[Symbol.asyncDispose](),
      createDriver: () => haproxy.create(config, deps()),
    };
  });
});
