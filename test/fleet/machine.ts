import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { type Daemon, type LogRecord, startDaemon } from '../support/daemon.ts';
import { oracleAt, serversOf, workerOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';
import { type Copy, type Counts, startCopy } from './copy.ts';
import type { Host } from './lan.ts';
import { localPortOf, type Member, portOf, statusOf, type Town } from './town.ts';

export type Part = 'nerve' | 'synapse';

/** A VM: two copies of services, nerve, synapse and its HAProxy, in a namespace and a folder of their own. */
export interface Machine extends Daemons, Copies {
  readonly host: Host;
  readonly members: readonly Member[];
  readonly directory: string;
  /** What its HAProxy has: servers by `service host:port`. */
  rotation(): Promise<ReadonlyMap<string, 'serves' | 'down' | 'leaving'>>;
  /** The process that its HAProxy serves with; another one after a reload. */
  worker(): Promise<number>;
}

interface Daemons {
  /** Starts a daemon that ended; resolves once a nerve has announced, a synapse is ready. */
  start(part: Part): Promise<void>;
  /** Sends a signal to a daemon, which shall end by it; resolves when it has. */
  end(part: Part, signal: NodeJS.Signals): Promise<void>;
  /** The errors that its daemons logged, in words. */
  errors(): readonly string[];
}

interface Copies {
  startCopy(member: Member): Promise<void>;
  endCopy(member: Member, signal: NodeJS.Signals): Promise<void>;
  /** Has all copies call the other services, also those that are started later. */
  open(): void;
  /** Has them call nobody any more; resolves once the fate of every call is known. */
  rest(): Promise<void>;
  /** What they sent and lost, over all their lives. */
  readonly counts: Counts;
}

/** Where a machine's parts are, and who is told when one of them ends without having been asked to. */
interface Place {
  readonly host: Host;
  readonly members: readonly Member[];
  readonly town: Town;
  readonly directory: string;
  fail(reason: Error): void;
}

/** Starts everything of a VM; resolves once it has announced its services and its proxy is there. */
export async function startMachine(place: Omit<Place, 'directory'>): Promise<Machine> {
  const { host, members, town } = place;
  const directory = join(town.directory, host.name);
  const socket = oracleAt(join(directory, 'run', 'haproxy.sock'));
  const copies = createCopies({ ...place, directory });
  const daemons = createDaemons({ ...place, directory });
  await mkdir(join(directory, 'run'), { recursive: true });
  for (const member of members) await copies.startCopy(member);
  for (const part of ['nerve', 'synapse'] as const) await daemons.start(part);
  return {
    host,
    members,
    directory,
    ...copies,
    ...daemons,
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
  };
}

function createDaemons({ host, members, town, directory, fail }: Place): Daemons {
  const running = new Map<Part, Daemon>();
  const history: Daemon[] = [];

  async function awake(part: Part, { log }: Daemon): Promise<boolean> {
    if (part === 'synapse') return (await fetch(`http://${statusOf(host)}/ready`)).ok;
    return log.filter(({ msg }) => msg === 'announced').length === members.length;
  }

  return {
    async start(part) {
      const config = town.config(part, host, members);
      const daemon = await startDaemon(part, config, directory, host);
      running.set(part, daemon);
      history.push(daemon);
      void daemon.exited.then((how) => {
        if (running.get(part) !== daemon) return;
        const last = JSON.stringify(daemon.log.at(-1));
        fail(new Error(`${part} of ${host.name} ended by itself (${how}): ${last}`));
      });
      await until(() => awake(part, daemon), 60_000);
    },
    async end(part, signal) {
      const daemon = running.get(part);
      running.delete(part);
      daemon?.kill(signal);
      await daemon?.exited;
    },
    errors: () => history.flatMap(({ log }) => log.filter(({ level }) => level >= 50).map(wordsOf)),
  };
}

function createCopies({ host, members, town, fail }: Place): Copies {
  const counts: Counts = { sent: 0, answered: 0, losses: [] };
  const running = new Map<Member, Copy>();
  let opened = false;

  return {
    counts,
    async startCopy(member) {
      const others = town.services.filter((service) => service !== member.service);
      const orders = {
        name: `${member.service}@${host.name}`,
        address: host.address,
        port: portOf(member.service),
        calls: others.map(localPortOf),
        rate: town.rate / members.length / others.length,
      };
      const copy = await startCopy(orders, host.prefix, counts);
      running.set(member, copy);
      if (opened) copy.open();
      void copy.ended.then((how) => {
        if (running.get(member) === copy)
          fail(new Error(`${orders.name} ended by itself (${how})`));
      });
    },
    async endCopy(member, signal) {
      const copy = running.get(member);
      running.delete(member);
      copy?.kill(signal);
      await copy?.ended;
    },
    open() {
      opened = true;
      for (const copy of running.values()) copy.open();
    },
    rest: async () => {
      await Promise.all([...running.values()].map((copy) => copy.rest()));
    },
  };
}

function wordsOf({ msg, err, reason }: LogRecord): string {
  const why = reason ?? (err as { message?: string } | undefined)?.message;
  return why === undefined ? msg : `${msg}: ${why}`;
}
