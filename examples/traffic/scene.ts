import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { parse } from 'yaml';

import { type Member, startMember, startWorld } from '../../test/policy/world.fixture.ts';
import { freePort } from '../../test/support/ports.ts';
import { workerOf } from '../../test/support/stats-socket.ts';
import { until } from '../../test/support/until.ts';

/** A route of an example's file, as far as scripts change it. */
export interface WrittenRoute {
  readonly to: { weight: number }[];
  readonly fault: { readonly delay: { share: string }; readonly abort: { share: string } };
  readonly rate_limit: { requests: number };
}

interface WrittenMember {
  readonly name: string;
  port: number;
  readonly labels?: Readonly<Record<string, string>>;
}

interface WrittenService {
  port: number;
  readonly default_servers?: WrittenMember[];
  readonly policy: { readonly routes: WrittenRoute[] };
}

interface Written {
  readonly defaults?: Pick<WrittenService, 'default_servers'>;
  readonly services: Readonly<Record<string, WrittenService>>;
}

/** An example's file at work: its members, synapse and a HAProxy. Disposing of it ends them all. */
export interface Scene extends AsyncDisposable {
  /** Where apps reach a service; the file's own port may be taken on this machine. */
  port(service: string): number;
  /** A member by its name: a small server inside this process, which the script may tell how to answer. */
  member(name: string): Member;
  /**
   * Changes a route in the file, by its place in the list, and tells synapse to read it again; resolves once
   * HAProxy has the new values.
   */
  change(service: string, route: number, edit: (route: WrittenRoute) => void): Promise<void>;
  /** Whether HAProxy is the process that it was at first: it was not reloaded. */
  isSameProcess(): Promise<boolean>;
}

/** Starts what the file of `examples/<folder>` needs, on ports that are free here. */
export async function openScene(folder: string): Promise<Scene> {
  const file = fileURLToPath(new URL(`../${folder}/synapse.yaml`, import.meta.url));
  const { services, defaults = {} } = parse(await readFile(file, 'utf8')) as Written;
  const members = new Map<string, Member>();
  const closeMembers = () =>
    Promise.all([...members.values()].map((member) => member[Symbol.asyncDispose]()));
  try {
    for (const service of Object.values(services)) service.port = await freePort();
    for (const { default_servers: written = [] } of [defaults, ...Object.values(services)])
      for (const each of written) {
        const member = await startMember(each.name, each.labels);
        members.set(each.name, member);
        each.port = member.port;
      }
    const world = await startWorld(services, { defaults });
    const worker = await workerOf(world.haproxy);
    const map = world.scratch.path('run', 'haproxy.cfg.policy.map');
    const values = async () =>
      (await world.haproxy.ask(`show map ${map}`)).replace(/^0x\w+ /gm, '');
    return {
      port: (service) => services[service]?.port ?? 0,
      member: (name) => members.get(name) as Member,
      async change(service, route, edit) {
        const before = await values();
        edit(services[service]?.policy.routes[route] as WrittenRoute);
        await world.change(services);
        await until(async () => (await values()) !== before);
      },
      isSameProcess: async () => (await workerOf(world.haproxy)) === worker,
      async [Symbol.asyncDispose]() {
        await world[Symbol.asyncDispose]();
        await closeMembers();
      },
    };
  } catch (error) {
    await closeMembers();
    throw error;
  }
}
