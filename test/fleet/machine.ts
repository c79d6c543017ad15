import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { type Daemon, type LogRecord, startDaemon } from '../support/daemon.ts';
import { oracleAt, serversOf, workerOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';
import { type Copy, type Counts, startCopy } from './copy.ts';
import type { Host } from './lan.ts';
import { localPortOf, type Member, portOf, statusOf, type Town } from './town.ts';

type Part = 'nerve' | 'synapse';

/** A VM: two copies of services, nerve, synapse and its HAProxy, in a namespace and a folder of their own. */
export interface Machine {
  readonly host: Host;
  readonly members: readonly Member[];
  /** What its copies sent and lost, over all their lives. */
  readonly counts: Counts;
  readonly directory: string;
  /** Sends a signal to a daemon, which shall end by it; resolves when it has. */
  end(part: Part, signal: NodeJS.Signals): Promise<void>;
  /** Starts a daemon that ended; resolves once a nerve has announced, a synapse is ready. */
  start(part: Part): Promise<void>;
  /** Has its copies call the other services, also those that are started later. */
  open(): void;
  /** Has them call nobody any more; resolves once the fate of every call is known. */
  rest(): Promise<void>;
  /** The same for the copy of a service. */
  endCopy(member: Member, signal: NodeJS.Signals): Promise<void>;
  startCopy(member: Member): Promise<void>;
  /** What its HAProxy has: servers by `service host:port`. */
  rotation(): Promise<ReadonlyMap<string, 'serves' | 'down' | 'leaving'>>;
  /** The process that its HAProxy serves with; another one after a reload. */
  worker(): Promise<number>;
  /** The errors that its daemons logged, in words. */
  errors(): readonly string[];
}

/**
 * Starts everything of a VM; resolves once it has announced its services. `fail` is told when a
 * daemon or a copy ends without having been asked to.
 */
export async function startMachine(
  host: Host,
  members: readonly Member[],
  town: Town,
  fail: (reason: Error) => void,
): Promise<Machine> {
  const directory = join(town.directory, host.name);
  const socket = oracleAt(join(directory, 'run', 'haproxy.sock'));
  const counts: Counts = { sent: 0, answered: 0, losses: [] };
  const daemons = new Map<Part, Daemon>();
  const history: Daemon[] = [];
  const copies = new Map<Member, Copy>();
  const asked = new Set<Copy | Daemon>();
  let open = false;

  function guard(what: Copy | Daemon, name: string, ended: Promise<number | string>) {
    void ended.then((how) => {
      if (asked.has(what)) return;
      const last = 'log' in what ? `: ${JSON.stringify(what.log.at(-1))}` : '';
      fail(new Error(`${name} of ${host.name} ended by itself (${how})${last}`));
    });
  }

  async function start(part: Part): Promise<void> {
    const config = town.config(part, host, members);
    const daemon = await startDaemon(part, config, directory, host.prefix);
    daemons.set(part, daemon);
    history.push(daemon);
    guard(daemon, part, daemon.exited);
    const announced = () => daemon.log.filter(({ msg }) => msg === 'announced').length;
    if (part === 'nerve') await until(() => announced() === members.length, 60_000);
    else await until(async () => (await fetch(`http://${statusOf(host)}/ready`)).ok, 60_000);
  }

  async function end(part: Part, signal: NodeJS.Signals): Promise<void> {
    const daemon = daemons.get(part);
    if (!daemon) return;
    asked.add(daemon);
    daemon.kill(signal);
    await daemon.exited;
    daemons.delete(part);
  }

  async function startMember(member: Member): Promise<void> {
    const others = town.services.filter((service) => service !== member.service);
    const orders = {
      name: `${member.service}@${host.name}`,
      address: host.address,
      port: portOf(member.service),
      calls: others.map(localPortOf),
      rate: town.rate / members.length / others.length,
    };
    const copy = await startCopy(orders, host.prefix, counts);
    copies.set(member, copy);
    if (open) copy.open();
    guard(copy, member.service, copy.ended);
  }

  async function endMember(member: Member, signal: NodeJS.Signals): Promise<void> {
    const copy = copies.get(member);
    if (!copy) return;
    asked.add(copy);
    copy.kill(signal);
    await copy.ended;
    copies.delete(member);
  }

  await mkdir(join(directory, 'run'), { recursive: true });
  for (const member of members) await startMember(member);
  await start('nerve');
  await start('synapse');
  return {
    host,
    members,
    counts,
    directory,
    end,
    start,
    open() {
      open = true;
      for (const copy of copies.values()) copy.open();
    },
    rest: async () => {
      await Promise.all([...copies.values()].map((copy) => copy.rest()));
    },
    endCopy: endMember,
    startCopy: startMember,
    rotation: async () => {
      const servers = await serversOf(socket);
      return new Map(
        servers.map(({ backend, host: address, port, inRotation, leaving }) => [
          `${backend} ${address}:${port}`,
          leaving ? 'leaving' : inRotation ? 'serves' : 'down',
        ]),
      );
    },
    worker: () => workerOf(socket),
    errors: () => history.flatMap(({ log }) => log.filter(({ level }) => level >= 50).map(wordsOf)),
  };
}

function wordsOf({ msg, err, reason }: LogRecord): string {
  const why = reason ?? (err as { message?: string } | undefined)?.message;
  return why === undefined ? msg : `${msg}: ${why}`;
}
