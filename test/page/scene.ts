import { type Daemon, startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { stopHaproxy } from '../support/stage.ts';

/** One machine whose daemons show their pages: a folder as registry, nerve, synapse and its HAProxy. */
export interface Scene extends AsyncDisposable {
  readonly scratch: Scratch;
  /** Where the pages are, without a slash at the end. */
  readonly pages: { readonly nerve: string; readonly synapse: string };
  /** Where apps reach a service. */
  portOf(service: string): number;
  /** `instance` is what its announcements are called. */
  nerve(services: Readonly<Record<string, object>>, instance?: string): Promise<Daemon>;
  synapse(services: Readonly<Record<string, object>>, top?: object): Promise<Daemon>;
}

export async function createScene(): Promise<Scene> {
  const scratch = await createScratch();
  const daemons: Daemon[] = [];
  const ports = new Map<string, number>();
  const status = { nerve: await freePort(), synapse: await freePort() };
  const registry = { type: 'file', directory: scratch.path('registry') };

  async function start(name: 'nerve' | 'synapse', config: object): Promise<Daemon> {
    const all = { registry, status_address: `127.0.0.1:${status[name]}`, ...config };
    const daemon = await startDaemon(name, all, scratch.directory);
    daemons.push(daemon);
    return daemon;
  }

  return {
    scratch,
    pages: {
      nerve: `http://127.0.0.1:${status.nerve}`,
      synapse: `http://127.0.0.1:${status.synapse}`,
    },
    portOf: (service) => ports.get(service) ?? 0,
    nerve: (services, instance = 'vm-1') => start('nerve', { instance_id: instance, services }),
    synapse: async (services, top = {}) => {
      const own: Record<string, object> = {};
      for (const [name, service] of Object.entries(services)) {
        const port = ports.get(name) ?? (await freePort());
        ports.set(name, port);
        own[name] = {
          discovery: { method: 'file', path: `/services/${name}` },
          use_previous_backends: false,
          ...service,
          haproxy: {
            port,
            listen: ['mode http', 'option httpchk GET /health'],
            server_options: 'check inter 300 fall 2 rise 1',
            ...('haproxy' in service ? (service.haproxy as object) : {}),
          },
        };
      }
      const haproxy = { run_directory: scratch.path('run'), stats_address: false };
      return start('synapse', { haproxy, services: own, ...top });
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(daemons.map((daemon) => daemon[Symbol.asyncDispose]()));
      await stopHaproxy(scratch.path('run'));
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** What nerve needs to know of a copy of a service. */
export function checked(service: string, port: number): object {
  return {
    host: '127.0.0.1',
    port,
    path: `/services/${service}`,
    check_interval: 0.1,
    checks: [{ type: 'http', uri: '/health', timeout: 5 }],
  };
}
