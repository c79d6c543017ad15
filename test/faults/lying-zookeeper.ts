import { createMetrics } from '@smartstack/daemon';
import { createRegistries, type Tickets } from '@smartstack/registry';
import { pino } from 'pino';
import { beforeEach, expect, onTestFinished, vi } from 'vitest';

import { HandOff } from '../../packages/nerve/src/announce/hand-off.ts';
import { shareZooKeeper } from '../nerve/shared-zookeeper.ts';
import {
  type Asked,
  type HostileZooKeeper,
  startHostileZooKeeper,
  type Verdict,
} from './hostile-zookeeper.ts';
import { startForced } from './nerve.ts';

/** The session ends after 4 s without its server: a request without an answer costs a third of that. */
const timeout = 4_000;
export const soon = { timeout: 20_000, interval: 20 };

/** What a server answers in place of the truth. */
const lies: Readonly<Record<string, Verdict>> = {
  'there is no node': { isDone: false, code: -101 },
  'not allowed': { isDone: false, code: -102 },
  'the session has expired': { isDone: false, code: -112 },
  'the connection was lost': { isDone: false, code: -4 },
  'the connection was lost, and does it': { isDone: true, code: -4 },
  'an error of the system, and does it': { isDone: true, code: -1 },
  nothing: { isDone: false },
  'nothing, and does it': { isDone: true },
};

/** The names of all lies. */
export const names = Object.keys(lies);
/** The forms in which nerve announces. */
export const forms = ['persistent_sequential', 'ephemeral_sequential'] as const;
/** What is only read is not done. */
export const ofReads = names.filter((name) => !lies[name]?.isDone);
/** A server that says so of a node that was there cannot be told from one that is right. */
export const exceptNoNode = (some: readonly string[]) =>
  some.filter((lie) => lies[lie]?.code !== -101);

interface Start {
  /** What an earlier nerve left. */
  readonly resume?: Tickets;
  /** More keys of the broken service. */
  readonly keys?: object;
}

/** For the tests of a file: a ZooKeeper that lies when it is told to, to one nerve a test. */
export function useHostileZooKeeper() {
  const shared = shareZooKeeper();
  let hostile: HostileZooKeeper;
  let top: string;
  beforeEach(async ({ task }) => {
    const started = await startHostileZooKeeper(shared.zookeeper.port);
    hostile = started;
    top = `/t${task.id.replace(/\W/g, '')}`;
    // After nerve, which comes later and ends before.
    onTestFinished(() => started[Symbol.asyncDispose]());
  });

  const recordsAt = async (name: string) => {
    const { names } = await shared.session
      .list(`${top}/${name}`)
      .catch(() => ({ names: [] as readonly string[] }));
    return names.toSorted();
  };
  const weightOf = async (name: string) => {
    const [node] = await recordsAt(name);
    const { data } = await shared.session.get(`${top}/${name}/${node}`);
    return (JSON.parse(data.toString()) as { weight?: number }).weight;
  };

  /** A nerve whose services `broken` and `near` are announced in one session, beside a good one in a folder. */
  async function start({ resume = {}, keys = {} }: Start = {}) {
    /** What the registry warned of. */
    const warned: string[] = [];
    const note = (line: string) => warned.push((JSON.parse(line) as { readonly msg: string }).msg);
    const log = pino({ level: 'warn' }, { write: note });
    const deps = { log, metrics: createMetrics() };
    const registries = createRegistries({ session: { timeout }, resume, ...deps });
    const place = (name: string) => ({ zk_hosts: [hostile.hosts], zk_path: `${top}/${name}` });
    const forced = await startForced({ ...place('broken'), ...keys }, () => registries, {
      near: { port: 83, ...place('near') },
    });
    let ended = false;
    /** Runs before the scene's own end, and gives what the next nerve takes over. */
    const handOff = async () => {
      ended = true;
      await forced.end(new HandOff());
      return registries.handOff();
    };
    onTestFinished(async () => {
      hostile.judge = undefined;
      await forced.end();
      if (!ended) await registries[Symbol.asyncDispose]();
    });
    const standing = async (...names: readonly string[]) => {
      for (const name of names)
        await vi.waitFor(async () => {
          expect(await forced.line(name)).toMatchObject({ announced: true, confirmed: true });
          expect(await recordsAt(name)).toHaveLength(1);
        }, soon);
    };
    /** Lies about requests for the broken service until it is told not to. */
    const force = (lie: string, ...asked: readonly Asked['operation'][]) => {
      const isForced = ({ operation, path }: Asked) =>
        asked.includes(operation) && path.startsWith(`${top}/broken`);
      hostile.judge = (each) => (isForced(each) ? lies[lie] : undefined);
    };
    const forcedOnce = (before = hostile.judged) =>
      vi.waitFor(() => expect(hostile.judged).toBeGreaterThan(before), soon);
    /** The other service of the session is told of a weight. */
    const nearGoesOn = async () => {
      const weight = 2 + Math.floor(Math.random() * 1000);
      await forced.nerve.weight('near', String(weight));
      await vi.waitFor(async () => expect(await weightOf('near')).toBe(weight), soon);
      await forced.goesOn();
    };
    /**
     * The same, as far as that can be while a read is not answered: answers come in order, and every new connection
     * begins with that read.
     */
    const goOnBesideRead = (lie: string) => (lie === 'nothing' ? forced.goesOn() : nearGoesOn());
    return { ...forced, warned, goOnBesideRead, handOff, standing, force, forcedOnce, nearGoesOn };
  }

  return {
    start,
    recordsAt,
    weightOf,
    get hostile() {
      return hostile;
    },
  };
}
