import { readFile } from 'node:fs/promises';

import { parse } from 'yaml';

import {
  ask,
  type Member,
  startMember,
  startWorld,
  tally,
} from '../../test/policy/world.fixture.ts';
import { startConsul } from '../../test/support/consul.ts';
import { freePort } from '../../test/support/ports.ts';
import { createScratch } from '../../test/support/scratch.ts';
import { serversOf, workerOf } from '../../test/support/stats-socket.ts';
import { until } from '../../test/support/until.ts';

/** What a copy answers Consul's check with. */
const answers = { passing: 200, warning: 429, critical: 500 } as const;

/** An agent of Consul, copies of `web` that are registered there, and synapse on the example's file. */
export interface ConsulScene extends AsyncDisposable {
  /** Starts a copy and registers it as `web-1.json` does; resolves once HAProxy uses it. */
  register(name: string): Promise<void>;
  /** Changes what a copy says of itself; resolves once HAProxy knows. */
  report(name: string, health: keyof typeof answers): Promise<void>;
  /** Takes a copy out by hand, as `consul maint` does. */
  maintain(name: string): Promise<void>;
  /** Which copies answer so many requests. */
  answering(requests: number): Promise<Readonly<Record<string, number>>>;
  isSameProcess(): Promise<boolean>;
}

const file = (name: string) => readFile(new URL(name, import.meta.url), 'utf8');

/** Starts it on ports that are free here. */
export async function openScene(): Promise<ConsulScene> {
  const started: AsyncDisposable[] = [];
  const end = async () => {
    for (const each of started.toReversed()) await each[Symbol.asyncDispose]();
  };
  const keep = <T extends AsyncDisposable>(part: T): T => {
    started.push(part);
    return part;
  };
  try {
    return { ...(await prepare(keep)), [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function prepare(keep: <T extends AsyncDisposable>(part: T) => T) {
  const scratch = keep(await createScratch());
  const agent = keep(await startConsul({ directory: scratch.path('consul'), name: 'vm-1' }));
  const { services } = parse(await file('synapse.yaml')) as {
    services: { web: { haproxy: { port: number } } };
  };
  services.web.haproxy.port = await freePort();
  const { haproxy } = keep(await startWorld(services, { consul: { url: agent.url } }));
  const worker = await workerOf(haproxy);
  const members = new Map<string, Member>();

  /** The servers that get requests, with their weights. */
  async function used(): Promise<string> {
    const used = (await serversOf(haproxy, 'web')).filter(({ inRotation }) => inRotation);
    const lines = (await haproxy.ask('show servers state web')).split('\n');
    const weightOf = (name: string) =>
      lines.find((line) => line.includes(` ${name} `))?.split(' ')[7];
    return used.map(({ name }) => `${name} ${weightOf(name)}`).join();
  }

  async function changed(change: () => unknown): Promise<void> {
    const before = await used();
    await change();
    await until(async () => (await used()) !== before);
  }

  async function register(name: string): Promise<void> {
    const member = keep(await startMember(name));
    members.set(name, member);
    const text = (await file('web-1.json')).replaceAll('8001', `${member.port}`);
    const { service } = JSON.parse(text.replaceAll('web-1', name)) as { service: object };
    await agent.api('PUT', '/v1/agent/service/register', service);
  }

  return {
    register: (name: string) => changed(() => register(name)),
    report: (name: string, health: keyof typeof answers) =>
      changed(() =>
        members.get(name)?.behave(({ url }, response) => {
          response.statusCode = url === '/health' ? answers[health] : 200;
          response.end(name);
        }),
      ),
    maintain: (name: string) =>
      changed(() =>
        agent.api('PUT', `/v1/agent/service/maintenance/${name}?enable=true&reason=new+disk`),
      ),
    answering: (requests: number) => tally(requests, () => ask(services.web.haproxy.port)),
    isSameProcess: async () => (await workerOf(haproxy)) === worker,
  };
}
