import { connect, type Session } from '@smartstack/zookeeper';
import { stringify } from 'yaml';

import { type Copy, startCopy } from '../support/copies.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';
import { bootMachine, type Machine } from './machine.ts';
import { daemons, packageOf, version } from './packages.ts';

/** Where apps reach the service, and where it is announced. */
export const port = 3213;
export const path = '/services/web';
export const units = ['nerve.service', 'synapse.service', 'synapse-haproxy.service'] as const;
export const [nerve, synapse, haproxy] = units;
/** Of those who want one: it is not enabled. */
export const envoy = 'synapse-envoy.service';
export type Unit = (typeof units)[number] | typeof envoy;

const sessionTimeout = 6;

/** A machine with three copies of a service, a ZooKeeper, and the packages' files in its /tmp, not yet installed. */
export interface Site extends AsyncDisposable {
  readonly machine: Machine;
  readonly session: Session;
  readonly scratch: Scratch;
  readonly copies: readonly Copy[];
  /** Installs both packages as docs/packages.md says, with all that they need. */
  install(): Promise<void>;
  /** Has nerve announce the copies, and synapse serve them; resolves once it does. */
  configure(): Promise<void>;
  isActive(unit: Unit): Promise<boolean>;
  pidOf(unit: Unit): Promise<number>;
  /** Resolves once a unit runs as another process than that. */
  renewed(unit: Unit, pid: number): Promise<void>;
  /** How often the members changed so far, and what stands there: what a watcher could notice. */
  seen(): Promise<object>;
  members(): Promise<readonly string[]>;
  /** Does something while apps send 200 requests a second; why requests were lost, with how many. */
  lostDuring(act: () => Promise<unknown>): Promise<readonly (readonly [string, number])[]>;
  /** Resolves once a session that nobody took over would have ended. */
  sessionEnd(): Promise<void>;
}

export async function openSite(): Promise<Site> {
  const scratch = await createScratch();
  const zookeeper = await startZooKeeper();
  const session = connect({ hosts: [zookeeper.hosts] });
  const copies = await Promise.all(['a', 'b', 'c'].map(startCopy));
  const machine = await bootMachine();
  for (const daemon of daemons)
    await machine.bring(await packageOf(daemon), `/tmp/smartstack-${daemon}_${version}.deb`);

  const isActive = async (unit: Unit) => (await machine.show(unit, 'ActiveState')) === 'active';
  const pidOf = async (unit: Unit) => Number(await machine.show(unit, 'MainPID'));
  const members = async () => (await session.list(path)).names;

  async function configure(): Promise<void> {
    const registry = { zookeeper: { hosts: [zookeeper.hosts], session_timeout: sessionTimeout } };
    const top = { ...registry, service_conf_dir: 'conf.d', services: {} };
    await machine.write('/etc/nerve/nerve.yaml', stringify({ instance_id: 'vm-1', ...top }));
    await machine.write('/etc/synapse/synapse.yaml', stringify(top));
    for (const copy of copies)
      await machine.write(`/etc/nerve/conf.d/web-${copy.name}.yaml`, stringify(announcedAs(copy)));
    await machine.write('/etc/synapse/conf.d/web.yaml', stringify(servedAt(port)));
    await machine.run('systemctl', 'restart', 'nerve', 'synapse');
    await machine.run('synapse', 'wait', 'web', '-m', '3');
  }

  return {
    machine,
    session,
    scratch,
    copies,
    install: async () => void (await machine.sh('cd /tmp && apt install -y ./smartstack-*.deb')),
    configure,
    isActive,
    pidOf,
    renewed: async (unit, pid) =>
      void (await until(
        async () => ![0, pid].includes(await pidOf(unit)) && isActive(unit),
        30_000,
      )),
    seen: async () => {
      const { names, stat } = await session.list(path);
      const nodes = await Promise.all(names.map((name) => session.exists(`${path}/${name}`)));
      return { changes: stat.childrenVersion, names, versions: nodes.map((node) => node?.version) };
    },
    members,
    lostDuring,
    sessionEnd: () => new Promise((resolve) => setTimeout(resolve, (sessionTimeout + 1) * 1_000)),
    [Symbol.asyncDispose]: async () => {
      await machine[Symbol.asyncDispose]();
      await Promise.all(copies.map((copy) => copy[Symbol.asyncDispose]()));
      await session.close();
      await zookeeper[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** synapse's file for the service, at a port of the machine. */
export const servedAt = (local: number) => ({
  discovery: { method: 'zookeeper', path },
  haproxy: { port: local, listen: ['mode http'] },
});

const announcedAs = (copy: Copy) => ({
  host: '127.0.0.1',
  port: copy.port,
  zk_path: path,
  check_interval: 0.2,
  checks: [{ type: 'http', uri: '/health', timeout: 5 }],
});

async function lostDuring(act: () => Promise<unknown>) {
  const ended = new AbortController();
  const traffic = startTraffic(port, 200, ended.signal);
  try {
    await act();
    await until(() => traffic.sent > 400);
  } finally {
    ended.abort();
    await traffic.done;
  }
  return [...traffic.reasons];
}
