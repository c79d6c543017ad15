import { createLatest, createMetrics, parseSource, silentLog } from '@smartstack/daemon';
import { connect, type Session } from '@smartstack/zookeeper';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Config, parseConfig } from '../../packages/nerve/src/config.ts';
import { runWithState } from '../../packages/nerve/src/run.ts';
import { createChance } from '../fleet/chance.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

const seed = Number(process.env.MOMENTS_SEED ?? Math.floor(Math.random() * 1e9));
const chance = createChance(seed);
const services = 20;

let zookeeper: ZooKeeper;
let relay: Relay;
let session: Session;
beforeAll(async () => {
  zookeeper = await startZooKeeper();
  relay = await startRelay(zookeeper.port);
  session = connect({ hosts: [zookeeper.hosts] });
});
afterAll(async () => {
  await session?.close();
  await relay?.[Symbol.asyncDispose]();
  await zookeeper?.[Symbol.asyncDispose]();
});

/** How the services of one round are announced. */
const forms: readonly (readonly [string, object, (path: string, index: number) => string])[] = [
  ['one path', {}, (path) => path],
  ['several paths', {}, (path, index) => `${path}-${index % 4}`],
  ['path-encoded names', { use_path_encoding: true }, (path) => path],
  ['plain ephemeral nodes', { node_type: 'ephemeral' }, (path, index) => `${path}-${index}`],
];

function configOf(path: string, [, keys, pathOf]: (typeof forms)[number], state: string) {
  const each = (_: unknown, index: number) => [
    `s${index}`,
    {
      host: '127.0.0.1',
      port: 20_000 + index,
      zk_path: pathOf(path, index),
      checks: [{ type: 'noop' }],
      ...keys,
    },
  ];
  return {
    instance_id: 'vm-1',
    status_address: false,
    state_directory: state,
    zookeeper: { hosts: [relay.hosts], session_timeout: 20 },
    services: Object.fromEntries(Array.from({ length: services }, each)),
  };
}

/** What an independent watcher could have noticed: each record once, never gone, never written again. */
async function noticed(path: string, form: (typeof forms)[number]) {
  const [, , pathOf] = form;
  const paths = [...new Set(Array.from({ length: services }, (_, index) => pathOf(path, index)))];
  const found = { records: 0, changes: 0, writes: 0 };
  for (const each of paths) {
    if (!(await session.exists(each))) continue;
    const { names, stat } = await session.list(each);
    found.records += names.length;
    found.changes += stat.childrenVersion;
    for (const name of names)
      found.writes += (await session.exists(`${each}/${name}`))?.version ?? 1;
  }
  return found;
}
const undisturbed = { records: services, changes: services, writes: 0 };

/** A nerve in this process, which ends as one does that gets SIGUSR2. */
function runNerve(config: Config) {
  const ended = runWithState(
    config,
    {
      session: { timeout: 20_000 },
      log: silentLog,
      metrics: createMetrics(),
      reloads: createLatest<Config>().values,
    },
    new AbortController().signal,
  );
  return {
    handOff: async () => {
      process.emit('SIGUSR2');
      await ended;
    },
  };
}

const moments = (count: number, most: number) =>
  Array.from({ length: count }, () => Math.floor(chance.between(0, most)));
const passed = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

test.each(forms)(
  `a hand-off at any moment changes nothing that stands, and what stands not yet comes once: %s (MOMENTS_SEED=${seed})`,
  async (...form) => {
    await using scratch = await createScratch();
    for (let round = 0; round < 10; round += 1) {
      const path = `/moments/${form[0].replaceAll(' ', '-')}-${round}`;
      relay.delay([0, 5, 20, 60][round % 4] ?? 0);
      const state = scratch.path(`state-${round}`);
      const config = parseConfig(
        parseSource('nerve.yaml', JSON.stringify(configOf(path, form, state))),
        scratch.directory,
      );
      const told = moments(4, 250);
      for (const moment of told) {
        const nerve = runNerve(config);
        await passed(moment);
        await nerve.handOff();
      }
      const last = runNerve(config);
      await until(async () => (await noticed(path, form)).records >= services, 20_000);
      await last.handOff();
      expect(await noticed(path, form), `after ${told.join(', ')} ms`).toEqual(undisturbed);
    }
  },
);

test(`a nerve that is killed, or told to leave, at any moment is taken over with no change seen (MOMENTS_SEED=${seed})`, async () => {
  relay.delay(5);
  for (let round = 0; round < 8; round += 1) {
    await using scratch = await createScratch();
    const form = forms[round % forms.length] ?? forms[0];
    if (!form) throw new Error('no form');
    const path = `/killed/${round}`;
    const config = configOf(path, form, scratch.path('state'));
    const told: string[] = [];
    for (const moment of moments(5, 900)) {
      const nerve: Daemon = await startDaemon('nerve', config, scratch.directory);
      await passed(moment);
      const signal = chance.happens(0.5) ? 'SIGKILL' : 'SIGUSR2';
      told.push(`${signal} after ${moment} ms`);
      nerve.kill(signal);
      await nerve.exited;
    }
    await using _last = await startDaemon('nerve', config, scratch.directory);
    await until(async () => (await noticed(path, form)).records >= services, 20_000);
    await passed(300);
    expect(await noticed(path, form), told.join(', ')).toEqual(undisturbed);
  }
});
