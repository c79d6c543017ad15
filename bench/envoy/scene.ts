import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createAdmin } from '../../packages/envoy/src/admin/client.ts';
import { type Daemon, startDaemon } from '../../test/support/daemon.ts';
import { envoyBinary } from '../../test/support/envoy.ts';
import { until } from '../../test/support/until.ts';
import { type Shape, serviceName } from '../synapse/scene.ts';

/** How many services are left to each proxy beside those of a shape, and where apps connect to them. */
export interface Ports {
  readonly envoy: number;
  readonly haproxy: number;
  readonly status: number;
}

/** A synapse that follows every service of a shape, and `/ours` twice: for Envoy and for HAProxy. */
export function startBoth(
  hosts: string,
  directory: string,
  {
    shape,
    ports,
    command,
  }: { readonly shape: Shape; readonly ports: Ports; readonly command: string },
): Promise<Daemon> {
  const numbers = Array.from({ length: shape.services }, (_, n) => n);
  const zookeeper = (path: string) => ({ method: 'zookeeper', path });
  const shared = { use_previous_backends: false, protocol: 'http', discovery: zookeeper('/ours') };
  return startDaemon(
    'synapse',
    {
      zookeeper: { hosts: [hosts] },
      status_address: `127.0.0.1:${ports.status}`,
      shrink_guard: false,
      proxy: 'envoy',
      envoy: {
        binary: envoyBinary(),
        run_directory: `${directory}/envoy`,
        on_exit: 'stop',
        log_level: 'warning',
        concurrency: 1,
      },
      haproxy: { run_directory: `${directory}/run`, on_exit: 'stop', stats_address: false },
      services: {
        ours: { ...shared, port: ports.envoy },
        theirs: { ...shared, proxy: 'haproxy', port: ports.haproxy },
        ...Object.fromEntries(
          numbers.map((n) => [
            serviceName(n),
            {
              discovery: zookeeper(`/${serviceName(n)}`),
              port: ports.envoy,
              bind_address: `127.1.${Math.floor(n / 250)}.${(n % 250) + 1}`,
            },
          ]),
        ),
      },
    },
    directory,
    { command },
  );
}

/** Waits until Envoy has every member of a shape. */
export async function hasAll(directory: string, { services, members }: Shape): Promise<void> {
  const admin = createAdmin({ path: `${directory}/envoy/envoy-admin.sock` });
  const { signal } = new AbortController();
  const filter = encodeURIComponent('^cluster\\.s\\d+\\.membership_total$');
  await until(async () => {
    const stats = await admin.get(`/stats?format=text&filter=${filter}`, signal);
    const sum = stats
      .split('\n')
      .reduce((total, line) => total + Number(line.split(': ')[1] ?? 0), 0);
    return sum === services * members;
  }, 120_000);
}

/** A server that is every member, in this process. */
export async function startMember() {
  const server = createServer((_, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What synapse's xDS server has sent so far. */
export async function sent(
  status: number,
): Promise<{ readonly responses: number; readonly bytes: number }> {
  const text = await (await fetch(`http://127.0.0.1:${status}/metrics`)).text();
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)`, 'gm'))].reduce(
      (total, [, value]) => total + Number(value),
      0,
    );
  return {
    responses: sum('synapse_xds_responses_total'),
    bytes: sum('synapse_xds_response_bytes_total'),
  };
}
