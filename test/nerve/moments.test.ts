import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { createMetrics, parseSource, silentLog } from '@smartstack/daemon';
import { createRegistries, type Tickets } from '@smartstack/registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HandOff } from '../../packages/nerve/src/announce/hand-off.ts';
import { parseConfig } from '../../packages/nerve/src/config/config.ts';
import { runNerve } from '../../packages/nerve/src/nerve.ts';
import { type Chance, createChance } from '../fleet/chance.ts';
import { startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { shareZooKeeper } from './shared-zookeeper.ts';

/** The same moments again: MOMENTS_SEED=… of a run that failed. */
const seed = Number(process.env.MOMENTS_SEED ?? Date.now() % 1_000_000);
console.log(`MOMENTS_SEED=${seed}`);

const shared = shareZooKeeper();
/** The services that answer their checks, by chain and number: all of one machine's behind one port. */
const healthy = new Set<string>();
const server = createServer((request, response) => {
  response.statusCode = healthy.has(request.url ?? '') ? 200 : 503;
  response.end();
});
let port: number;
beforeAll(async () => {
  port = await freePort();
  await once(server.listen(port, '0.0.0.0'), 'listening');
});
afterAll(() => void server.close());

interface Placed {
  readonly path: string;
  readonly count: number;
  readonly keys?: object;
}

/** Many services on one path, and some on several, in each form in which a session keeps records. */
const placesOf = (chain: string): readonly Placed[] => [
  { path: `/moments/${chain}/many`, count: 20 },
  { path: `/moments/${chain}/few`, count: 2 },
  { path: `/moments/${chain}/encoded`, count: 4, keys: { use_path_encoding: true } },
  { path: `/moments/${chain}/plain-1`, count: 1, keys: { node_type: 'ephemeral' } },
  { path: `/moments/${chain}/plain-2`, count: 1, keys: { node_type: 'ephemeral' } },
];

/** nerve's configuration, each service at an address of its own, and one ensemble's part under a chroot. */
function configOf(chain: string, hosts: string) {
  const services = placesOf(chain).flatMap(({ path, count, keys }) =>
    Array.from({ length: count }, () => ({ path, keys })),
  );
  return {
    instance_id: 'vm-1',
    status_address: false,
    zookeeper: { hosts: [hosts], session_timeout: 30 },
    services: Object.fromEntries(
      services.map(({ path, keys }, index) => [
        `s${index}`,
        {
          host: `127.0.0.${index + 1}`,
          port,
          zk_path: path,
          // Thousands of checks a second would starve this very process, and fail.
          check_interval: 0.15,
          checks: [{ type: 'http', uri: `/${chain}/${index}`, timeout: 30 }],
          ...keys,
        },
      ]),
    ),
  };
}

const countOf = (chain: string) => placesOf(chain).reduce((sum, { count }) => sum + count, 0);

/** Brings up some more of a chain's services, now and in a moment; at its end all are up. */
function bringUp(chain: string, chance: Chance, share: number): void {
  for (let index = 0; index < countOf(chain); index++)
    if (chance.happens(share))
      setTimeout(() => healthy.add(`/${chain}/${index}`), chance.between(0, 200));
}

const allUp = (chain: string) => {
  for (let index = 0; index < countOf(chain); index++) healthy.add(`/${chain}/${index}`);
};

/** Node by path, with when it was created and how often it was written. */
async function recordsOf(chain: string): Promise<ReadonlyMap<string, string>> {
  const nodes = new Map<string, string>();
  for (const { path } of placesOf(chain)) {
    if (!(await shared.session.exists(path))) continue;
    for (const name of (await shared.session.list(path)).names) {
      const stat = await shared.session.exists(`${path}/${name}`);
      nodes.set(`${path}/${name}`, stat ? `${stat.czxid} version ${stat.version}` : 'gone');
    }
  }
  return nodes;
}

/** Checks at each moment of a chain that every record of the moment before is there, unchanged. */
function createWitness(chain: string) {
  let before: ReadonlyMap<string, string> = new Map();
  const faults: string[] = [];
  return {
    faults,
    check: async (moment: string) => {
      const now = await recordsOf(chain);
      for (const [node, was] of before)
        if (now.get(node) !== was)
          faults.push(`${moment}: ${node} was ${was}, and is ${now.get(node) ?? 'gone'}`);
      before = now;
    },
    /** Every path has seen as many changes as it has services: each was created once, and none deleted. */
    end: async () => {
      await until(async () => (await recordsOf(chain)).size === countOf(chain));
      for (const { path, count } of placesOf(chain)) {
        const { stat, names } = await shared.session.list(path);
        if (stat.childrenVersion !== count || names.length !== count)
          faults.push(`${path}: ${stat.childrenVersion} changes for ${count} services`);
      }
    },
  };
}

interface Life {
  readonly relay: Relay;
  /** Leaves its announcements to the next one. */
  handOff(): Promise<Tickets | undefined>;
  /** Is gone from one moment to the next, with what was last noted. */
  crash(): Promise<Tickets | undefined>;
}

/** One nerve inside this process, behind a relay of its own whose answers come late. */
async function live(chain: string, chance: Chance, resume: Tickets | undefined): Promise<Life> {
  const relay = await startRelay(shared.zookeeper.port);
  relay.delayAnswers(() => chance.between(0, 60));
  const [ticket] = Object.values(resume ?? {});
  const stop = new AbortController();
  const deps = { log: silentLog, metrics: createMetrics() };
  let noted = resume;
  const note = () => {
    noted = registries.tickets();
  };
  const registries = createRegistries({
    ...deps,
    session: { timeout: 30_000, onSession: async () => note() },
    ...(ticket && { resume: { [relay.hosts]: ticket } }),
  });
  const text = JSON.stringify({ ...configOf(chain, relay.hosts), state_directory: false });
  const ended = runNerve(
    parseConfig(parseSource('nerve.yaml', text), '/'),
    {
      ...deps,
      registries,
      reloads: async function* () {},
      overrides: { of: () => ({}), set: async () => {} },
      handOff: () => {},
    },
    stop.signal,
  );
  const noting = setInterval(note, 100);

  async function end(): Promise<Tickets> {
    clearInterval(noting);
    stop.abort(new HandOff());
    await ended;
    return registries.handOff();
  }

  return {
    relay,
    handOff: async () => {
      const tickets = await end();
      await relay[Symbol.asyncDispose]();
      return Object.values(tickets).some(({ sessionId }) => sessionId !== '') ? tickets : noted;
    },
    crash: async () => {
      clearInterval(noting);
      await relay[Symbol.asyncDispose]();
      const left = noted;
      void end();
      return left;
    },
  };
}

const waysInProcess = ['hand off', 'hand off', 'crash', 'cut', 'silence'] as const;

async function leave(how: (typeof waysInProcess)[number], life: Life, chance: Chance) {
  if (how === 'crash') return life.crash();
  if (how === 'cut') life.relay.cut();
  if (how === 'silence') life.relay.silence();
  if (how !== 'hand off') await sleep(chance.between(0, 20));
  return life.handOff();
}

/** So many nerves one after the other, each of which leaves at a moment that is drawn. */
async function runChain(chain: string, moments: number): Promise<readonly string[]> {
  const chance = createChance(seed + Number(chain.slice(1)));
  const witness = createWitness(chain);
  bringUp(chain, chance, 0.3);
  let tickets: Tickets | undefined;
  for (let index = 0; index < moments; index++) {
    const life = await live(chain, chance, tickets);
    if (index === moments / 2) bringUp(chain, chance, 0.4);
    const at = chance.between(0, 300);
    const how = chance.pick(waysInProcess);
    await sleep(at);
    tickets = await leave(how, life, chance);
    await witness.check(`moment ${index}, ${how} after ${at.toFixed()} ms`);
  }
  allUp(chain);
  const last = await live(chain, chance, tickets);
  await witness.end();
  await last.handOff();
  await witness.check('the end');
  return witness.faults;
}

/** The same with nerve's own processes, its state folder and signals. */
async function runProcesses(chain: string, moments: number): Promise<readonly string[]> {
  const chance = createChance(seed + 1000 + Number(chain.slice(1)));
  await using relay = await startRelay(shared.zookeeper.port);
  relay.delayAnswers(() => chance.between(0, 60));
  await using scratch = await createScratch();
  const start = () => startDaemon('nerve', configOf(chain, relay.hosts), scratch.directory);
  const witness = createWitness(chain);
  bringUp(chain, chance, 0.3);
  for (let index = 0; index < moments; index++) {
    const before = (await recordsOf(chain)).size;
    const daemon = await start();
    if (index % 3 === 0) bringUp(chain, chance, 0.2);
    const first = chance.happens(0.5);
    if (first) {
      const more = async () => (await recordsOf(chain)).size > before;
      await Promise.race([until(more, 1500).catch(() => {}), daemon.exited]);
    }
    const at = chance.between(0, first ? 60 : 900);
    await sleep(at);
    const how = chance.pick(['SIGUSR2', 'SIGUSR2', 'SIGKILL', 'twice'] as const);
    daemon.kill(how === 'twice' ? 'SIGUSR2' : how);
    if (how === 'twice') daemon.kill('SIGUSR2');
    await daemon.exited;
    await witness.check(`moment ${index}, ${how} after ${at.toFixed()} ms`);
  }
  allUp(chain);
  const last = await start();
  await witness.end();
  last.kill('SIGUSR2');
  await last.exited;
  await witness.check('the end');
  return witness.faults;
}

const each = async (
  run: (chain: string, moments: number) => Promise<readonly string[]>,
  chains: readonly string[],
  moments: number,
) => (await Promise.all(chains.map((chain) => run(chain, moments)))).flat();

describe(`a watcher sees each record created once and then no change, whenever a nerve leaves (seed ${seed})`, () => {
  test('at 160 moments, handed off or cut down, through slow answers and broken connections', async () => {
    expect(await each(runChain, ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8'], 20)).toEqual([]);
  });

  test('at 40 moments of its own processes, by SIGUSR2, twice, and by SIGKILL', async () => {
    expect(await each(runProcesses, ['p1', 'p2', 'p3', 'p4'], 10)).toEqual([]);
  });
});
