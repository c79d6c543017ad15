import { writeFile } from 'node:fs/promises';

import { execa } from 'execa';

import { serviceOf, startWorld, type World } from '../../policy/world.fixture.ts';
import { commandOf, runDaemonOn } from '../../support/daemon.ts';
import { freePort } from '../../support/ports.ts';
import { type Application, type Language, startApplication } from './application.fixture.ts';
import type { GrpcMember } from './member.fixture.ts';

/** One service of a scene. */
export interface Called {
  readonly members: readonly GrpcMember[];
  readonly policy?: object;
  readonly more?: object;
}

/** A synapse that gRPC applications ask, and those that are started; HAProxy serves others. */
export interface GrpcScene extends AsyncDisposable {
  readonly world: World;
  /** Starts an application. */
  application(language: Language): Application;
  /** Gives synapse other services. */
  change(services: Readonly<Record<string, Called>>): Promise<void>;
  /** Ends synapse at once, without a chance to do anything. */
  kill(): Promise<void>;
  /** Starts it again, on other services. */
  restart(services: Readonly<Record<string, Called>>): Promise<void>;
  /** What one of synapse's commands prints. */
  command(...args: readonly string[]): Promise<string>;
  /** What subscribers refuse, by synapse's own status. */
  rejected(): Promise<readonly object[]>;
}

export async function startGrpcScene(
  services: Readonly<Record<string, Called>>,
): Promise<GrpcScene> {
  const ports = new Map<string, number>();
  for (const name of Object.keys(services)) ports.set(name, await freePort());
  const written = (all: Readonly<Record<string, Called>>) =>
    Object.fromEntries(
      Object.entries(all).map(([name, { members, policy = {}, more }]) => [
        name,
        serviceOf(ports.get(name) ?? 0, members as never, policy, { protocol: 'grpc', ...more }),
      ]),
    );
  const address = `127.0.0.1:${await freePort()}`;
  const envoy = { managed: false, xds: { socket: false, address } };
  const world = await startWorld(written(services), { envoy, policy_unsupported: 'warn' });
  let { synapse } = world;
  const bootstrap = world.scratch.path('grpc.json');
  const command = async (...args: readonly string[]) => {
    const file = world.scratch.path('synapse.yaml');
    const { stdout } = await execa(process.execPath, [commandOf('synapse'), '-c', file, ...args]);
    return `${stdout}\n`;
  };
  await writeFile(bootstrap, await command('grpc-bootstrap'));
  const applications: Application[] = [];
  return {
    world,
    application: (language) => {
      const application = startApplication(language, bootstrap);
      applications.push(application);
      return application;
    },
    change: (next) => world.change(written(next)),
    kill: async () => {
      synapse.kill('SIGKILL');
      await synapse.exited;
    },
    restart: async (next) => {
      await world.change(written(next));
      synapse = runDaemonOn('synapse', world.scratch.path('synapse.yaml'));
    },
    command,
    rejected: async () => {
      const response = await fetch(`http://127.0.0.1:${world.status}/status`);
      const { proxies } = (await response.json()) as {
        readonly proxies: Readonly<
          Record<string, { readonly subscribers?: readonly Subscriber[] }>
        >;
      };
      return proxies.envoy?.subscribers?.flatMap(({ rejected }) => rejected) ?? [];
    },
    [Symbol.asyncDispose]: async () => {
      for (const application of applications) await application[Symbol.asyncDispose]();
      await synapse[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
      for (const { members } of Object.values(services))
        for (const member of members) await member[Symbol.asyncDispose]();
    },
  };
}

interface Subscriber {
  readonly rejected: readonly object[];
}
