import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type ConsulAgent, startConsul } from '../../support/consul.ts';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { createScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { openView, type View } from './views.ts';

let scratch: Scratch;
let agent: ConsulAgent;
let view: View;
beforeAll(async () => {
  scratch = await createScratch();
  agent = await startConsul({ directory: scratch.path('one'), name: 'one' });
  view = openView({ url: agent.url });
});
afterAll(async () => {
  await view[Symbol.asyncDispose]();
  await agent[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

/** A nerve without checks: what it has is up. */
function startNerve(
  services: Readonly<Record<string, object>>,
  top: object = { consul: { url: agent.url } },
): Promise<Daemon> {
  const usual = { host: '127.0.0.1', reporter_type: 'consul', consul_ttl: 2 };
  const all = Object.entries(services).map(([name, own]) => [name, { ...usual, ...own }]);
  const config = {
    instance_id: 'vm-1',
    status_address: false,
    ...top,
    services: Object.fromEntries(all),
  };
  return startDaemon('nerve', config, scratch.directory);
}

interface Listed {
  readonly ServiceID: string;
  readonly ServiceAddress: string;
  readonly ServicePort: number;
  readonly ServiceTags: readonly string[];
}
const catalog = (service: string) => agent.api<Listed[]>('GET', `/v1/catalog/service/${service}`);
const statusOf = async (service: string) => {
  const [check] = await agent.api<{ Status: string }[]>('GET', `/v1/health/checks/${service}`);
  return check?.Status;
};
async function stopped(nerve: Daemon, signal: NodeJS.Signals): Promise<void> {
  nerve.kill(signal);
  await nerve.exited;
}

test('Consul’s own command, API and DNS list exactly what nerve registers', async () => {
  const nerve = await startNerve({
    web: { port: 8001, labels: { zone: 'a' }, weight: 5, consul_tags: ['v2'] },
    other: { port: 8002, consul_service: 'web' },
  });
  await until(async () => (await catalog('web')).length === 2);
  expect(
    (await catalog('web')).map(({ ServiceID, ServiceAddress, ServicePort, ServiceTags }) => ({
      ServiceID,
      ServiceAddress,
      ServicePort,
      ServiceTags,
    })),
  ).toEqual([
    {
      ServiceID: 'web-vm-1-127.0.0.1-8001',
      ServiceAddress: '127.0.0.1',
      ServicePort: 8001,
      ServiceTags: ['v2'],
    },
    {
      ServiceID: 'web-vm-1-127.0.0.1-8002',
      ServiceAddress: '127.0.0.1',
      ServicePort: 8002,
      ServiceTags: [],
    },
  ]);
  expect((await agent.cli('catalog', 'services', '-tags')).split('\n')).toEqual([
    expect.stringMatching(/^consul\s*$/),
    expect.stringMatching(/^web\s+v2\s*$/),
  ]);
  expect(await agent.cli('catalog', 'nodes', '-service', 'web')).toMatch(/\none\s/);
  const dns = ['@127.0.0.1', '-p', `${agent.ports.dns}`, '+short', 'web.service.consul', 'SRV'];
  const { stdout } = await execa('dig', dns);
  expect(stdout.split('\n').toSorted()).toEqual([
    '1 1 8002 7f000001.addr.dc1.consul.',
    '1 5 8001 7f000001.addr.dc1.consul.',
  ]);
  const seen = view.follow('web');
  await until(() => seen.ports() === '8001 8002');
  expect(seen.newest()?.[0]).toEqual({
    host: '127.0.0.1',
    port: 8001,
    name: 'vm-1',
    weight: 5,
    labels: { zone: 'a' },
    id: 'one/web-vm-1-127.0.0.1-8001',
  });
  await stopped(nerve, 'SIGTERM');
  expect(await catalog('web')).toEqual([]);
  await until(() => seen.ports() === '');
});

test.each<NodeJS.Signals>(['SIGKILL', 'SIGUSR2'])(
  'a nerve that ends by %s and is started again does not flap its services',
  async (signal) => {
    // A machine under load starts a nerve in some seconds.
    const kept = { port: 8001, consul_ttl: 15 };
    const first = await startNerve({ api: kept, gone: { port: 8002, consul_ttl: 15 } });
    const [api, gone] = [view.follow('api'), view.follow('gone')];
    await until(() => api.ports() === '8001' && gone.ports() === '8002');
    const lists = api.lists.length;
    await stopped(first, signal);
    expect(await statusOf('api')).toBe('passing');
    await using second = await startNerve({ api: kept });
    // What this nerve does not have any more is deregistered; what it has never left.
    await until(() => gone.ports() === '');
    expect(await catalog('gone')).toEqual([]);
    expect(api.lists).toHaveLength(lists);
    await stopped(second, 'SIGTERM');
    await until(() => api.ports() === '');
  },
);

test('services of a nerve that is dead turn critical, and those of others stay', async () => {
  await agent.api('PUT', '/v1/agent/service/register', { Name: 'theirs', Port: 1 });
  const nerve = await startNerve({ dead: { port: 8001 } });
  const seen = view.follow('dead');
  await until(() => seen.ports() === '8001');
  await stopped(nerve, 'SIGKILL');
  await until(() => seen.ports() === '');
  expect(seen.leftOut()).toEqual([
    expect.stringMatching(/^critical: check "nerve on vm-1": TTL expired/),
  ]);
  expect(await catalog('theirs')).toHaveLength(1);
  const next = await startNerve({ dead: { port: 8001 } });
  await until(() => seen.ports() === '8001');
  await stopped(next, 'SIGTERM');
});

test('an agent that comes back with nothing is told again, and one that was ended keeps what it knew', async () => {
  const nerve = await startNerve({ web: { port: 8001 } });
  const seen = view.follow('web');
  await until(() => seen.ports() === '8001');
  await agent.kill();
  await agent.start();
  await until(async () => (await statusOf('web')) === 'passing');
  // As an agent that lost its disk does it.
  await agent.api('PUT', '/v1/agent/service/deregister/web-vm-1-127.0.0.1-8001');
  await until(() => seen.ports() === '');
  await until(() => seen.ports() === '8001');
  const lost = 'the agent had lost the service: registered again';
  await until(() => nerve.log.some(({ msg }) => msg === lost));
  await stopped(nerve, 'SIGTERM');
  await until(() => seen.ports() === '');
});

test.each<[string, NodeJS.Signals]>([
  ['was killed', 'SIGKILL'],
  ['handed over', 'SIGUSR2'],
])(
  'what a nerve that %s had at an agent that no file names any more is deregistered',
  async (_, signal) => {
    const first = await startNerve({ lone: { port: 8001, consul_url: agent.url } }, {});
    const seen = view.follow('lone');
    await until(() => seen.ports() === '8001');
    await stopped(first, signal);
    await using _next = await startNerve({}, {});
    await until(async () => (await catalog('lone')).length === 0);
    await until(() => seen.ports() === '');
  },
);

test('the end does not wait for an agent that hangs, and the next nerve deregisters what is left', async () => {
  const nerve = await startNerve({ hung: { port: 8001, consul_url: agent.url } }, {});
  const seen = view.follow('hung');
  await until(() => seen.ports() === '8001');
  agent.signal('SIGSTOP');
  try {
    const begin = performance.now();
    await stopped(nerve, 'SIGTERM');
    expect(performance.now() - begin).toBeLessThan(10_000);
  } finally {
    agent.signal('SIGCONT');
  }
  await using _next = await startNerve({}, {});
  await until(async () => (await catalog('hung')).length === 0);
});
