import { join } from 'node:path';

import { createAdmin } from '../../packages/envoy/src/admin/client.ts';
import { readMembers } from '../../packages/envoy/src/admin/members.ts';
import { oracleAt, serversOf } from '../../test/support/stats-socket.ts';
import type { Setting } from './configuration.ts';

/** A proxy that the demo can be shown on. */
export interface DemoProxy {
  readonly title: string;
  /** How synapse's file says that it serves `web`, below the service. */
  serviceLines(setting: Setting): string;
  /** How the file says which one is run. */
  topLines(setting: Setting): string;
  /** The ports of the members that it sends requests to. */
  rotation(setting: Setting, signal: AbortSignal): Promise<ReadonlySet<number>>;
}

const haproxy: DemoProxy = {
  title: 'HAProxy',
  serviceLines: ({ port }) => `    haproxy:
      port: ${port}
      bind_address: 127.0.0.1
      server_options: check inter 2s rise 1 fall 2
      listen:
        - mode http
        - balance roundrobin
        - option httpchk GET /health
        # A request that a dying copy did not answer is asked again of another one.
        - retries 3
        - option redispatch 1
        - retry-on conn-failure empty-response
        - http-request disable-l7-retry unless METH_GET`,
  topLines: ({ folder, pagePort }) => `haproxy:
  run_directory: ${join(folder, 'haproxy')}
  stats_address: 127.0.0.1:${pagePort}
  on_exit: stop`,
  async rotation({ folder }) {
    const servers = await serversOf(oracleAt(join(folder, 'haproxy', 'haproxy.sock')));
    return new Set(servers.filter(({ inRotation }) => inRotation).map(({ port }) => port));
  },
};

const envoy: DemoProxy = {
  title: 'Envoy',
  serviceLines: ({ port }) => `    port: ${port}
    protocol: http
    policy:
      # A request that a dying copy did not answer is asked again of another one; with three copies that is every third.
      retries: {attempts: 3, on: [connect_failure, reset], methods: [GET], budget: 100%}`,
  topLines: ({ folder, pagePort }) => `proxy: envoy
haproxy: false
envoy:
  binary: ${process.env.ENVOY ?? 'envoy'}
  run_directory: ${join(folder, 'envoy')}
  admin: 127.0.0.1:${pagePort}
  on_exit: stop`,
  async rotation({ pagePort }, signal) {
    const admin = createAdmin({ host: '127.0.0.1', port: pagePort });
    const used = new Set<number>();
    for await (const [, members = []] of readMembers(admin, ['web'], signal))
      for (const { status, address } of members)
        if (status === 'HEALTHY') used.add(Number(address.slice(address.lastIndexOf(':') + 1)));
    return used;
  },
};

/** By the name that `--proxy` takes. */
export const demoProxies = { haproxy, envoy } as const;

export type DemoProxyName = keyof typeof demoProxies;
