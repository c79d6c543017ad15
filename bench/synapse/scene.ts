import { connect } from '@smartstack/zookeeper';

import { type Daemon, type HowToRun, startDaemon } from '../../test/support/daemon.ts';
import { freePort } from '../../test/support/ports.ts';

/** How many services of how many members. */
export interface Shape {
  readonly services: number;
  readonly members: number;
}

export const serviceName = (n: number) => `s${n}`;

/** The record of one member; addresses that nobody listens on, for nobody connects. */
export const record = (service: number, member: number) =>
  JSON.stringify({
    host: `10.${member % 200}.${service % 250}.${Math.floor(service / 250) + Math.floor(member / 200) + 1}`,
    port: 8000 + member,
    name: `vm-${member}`,
  });

/** Announces every member of a shape under `/<service>`. */
export async function announceAll(hosts: string, { services, members }: Shape): Promise<void> {
  const session = connect({ hosts: [hosts], inFlight: 256, timeout: 30_000 });
  const create = (path: string, data: string) =>
    session.create(path, Buffer.from(data), 'persistent', { deadline: 120_000 });
  const numbers = Array.from({ length: services }, (_, n) => n);
  await Promise.all(numbers.map((n) => create(`/${serviceName(n)}`, '')));
  await Promise.all(
    numbers.flatMap((n) =>
      Array.from({ length: members }, (_, m) => {
        const sequence = String(m).padStart(10, '0');
        return create(`/${serviceName(n)}/vm-${m}_${sequence}`, record(n, m));
      }),
    ),
  );
  await session.close();
}

/** Starts a synapse that follows every service of a shape, each at a port of its own address of the loopback. */
export async function startSynapse(
  hosts: string,
  directory: string,
  { services }: Shape,
  how: HowToRun = {},
): Promise<Daemon> {
  const port = await freePort();
  const numbers = Array.from({ length: services }, (_, n) => n);
  return startDaemon(
    'synapse',
    {
      zookeeper: { hosts: [hosts] },
      status_address: false,
      haproxy: {
        stats_address: false,
        run_directory: `${directory}/run`,
        on_exit: 'stop',
        extra_sections: { 'backend floor': [] },
      },
      services: Object.fromEntries(
        numbers.map((n) => [
          serviceName(n),
          {
            discovery: { method: 'zookeeper', path: `/${serviceName(n)}` },
            haproxy: { port, bind_address: `127.1.${Math.floor(n / 250)}.${(n % 250) + 1}` },
          },
        ]),
      ),
    },
    directory,
    how,
  );
}
