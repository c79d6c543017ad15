import { setTimeout as sleep } from 'node:timers/promises';
import type { Traffic } from '../../test/support/traffic.ts';
import { barLine } from './panel.ts';
import { isOpen } from './port.ts';
import type { Scene } from './scene.ts';
import type { Screen } from './screen.ts';
import { until } from './until.ts';

export interface Teller {
  readonly scene: Scene;
  readonly screen: Screen;
  /** How long a person gets to watch each chapter, in milliseconds. */
  readonly pause: number;
  readonly signal: AbortSignal;
}

const patience = 15_000;

/** Starts every part, and returns once the proxy sends requests to three copies. */
export async function start({ scene, screen, signal }: Teller): Promise<void> {
  const { setting } = scene;
  const step = async (what: string, act: () => Promise<unknown>) => {
    const began = performance.now();
    await act();
    screen.say(`  ${screen.paint('green', '✓')} ${what.padEnd(58)} ${took(began)}`);
  };
  const { title } = setting.proxy;
  const three = setting.copies.slice(0, 3);
  const ports = three.map(({ port }) => port).join(', ');
  if (setting.zooKeeperPort === undefined)
    await step('a file registry: a folder, no server', scene.startRegistry);
  else await step(`ZooKeeper on 127.0.0.1:${setting.zooKeeperPort}`, scene.startRegistry);
  await step(`three copies of a web service on ports ${ports}`, () =>
    Promise.all(three.map(({ name }) => scene.startCopy(name))),
  );
  await step('nerve, which checks them and announces the healthy ones', async () => {
    await scene.startNerve();
    const all = () => (scene.announced().size === 3 ? true : undefined);
    await until('nerve announces three copies', patience, all, signal);
  });
  await step(`synapse, and its ${title} on 127.0.0.1:${setting.port}`, async () => {
    await scene.startSynapse();
    const ready = async () =>
      ((await isOpen(setting.port)) && (await inRotation(scene, 3))) || undefined;
    await until(`${title} sends requests to three copies`, patience, ready, signal);
  });
}

/** Shows requests spread over the copies. */
export async function spreads(teller: Teller, traffic: Traffic): Promise<void> {
  heading(teller, `Requests to 127.0.0.1:${teller.scene.setting.port} are spread over the copies`);
  await watchAWhile(teller, traffic);
}

/** Kills a copy, and waits until the proxy no longer sends it requests. */
export async function leaves(teller: Teller, traffic: Traffic, name: string): Promise<void> {
  const { scene, signal } = teller;
  heading(teller, `${name} is killed (kill -9)`);
  const { title } = scene.setting.proxy;
  const lost = traffic.lost;
  const killed = performance.now();
  scene.killCopy(name);
  const withdrawn = () => (scene.announced().has(name) ? undefined : true);
  await until(`nerve withdraws ${name}`, patience, withdrawn, signal);
  result(teller, `nerve withdrew it after ${took(killed)}`);
  const gone = async () => ((await scene.rotation()).has(name) ? undefined : true);
  await until(`${name} leaves ${title}'s rotation`, patience, gone, signal);
  result(teller, `out of ${title}'s rotation after ${took(killed)}`);
  await watchAWhile(teller, traffic);
  losses(teller, traffic.lost - lost);
}

/** Starts a copy, and waits for its first answer to an ordinary request. */
export async function joins(teller: Teller, traffic: Traffic, name: string): Promise<void> {
  const { scene, signal } = teller;
  heading(teller, `${name} is new`);
  const lost = traffic.lost;
  const open = await scene.startCopy(name);
  const announced = () => (scene.announced().has(name) ? performance.now() : undefined);
  const seen = await until(`nerve announces ${name}`, patience, announced, signal);
  const answered = () => traffic.firstAnswer(name);
  const first = await until(`${name} answers requests`, patience, answered, signal);
  // We read announcements as synapse does, and may see one after synapse did.
  result(teller, `nerve announced it ${ms(Math.min(seen, first) - open)} after its port opened`);
  result(teller, `first answer ${ms(first - open)} after its port opened`);
  await watchAWhile(teller, traffic);
  losses(teller, traffic.lost - lost);
}

async function inRotation(scene: Scene, copies: number): Promise<boolean> {
  return (await scene.rotation()).size === copies;
}

/** Lets a person watch; where nothing moves, says afterwards who answered meanwhile. */
async function watchAWhile({ scene, screen, pause, signal }: Teller, traffic: Traffic) {
  const before = new Map(traffic.byCopy);
  await sleep(pause, undefined, { signal });
  if (screen.live) return;
  const rows = scene.setting.copies.map(({ name }) => {
    const answers = traffic.byCopy.get(name) ?? 0;
    return { name, answers, recent: answers - (before.get(name) ?? 0) };
  });
  const all = rows.reduce((sum, { recent }) => sum + recent, 0);
  for (const row of rows) if (row.answers > 0) screen.say(barLine(screen, { ...row, all }));
}

function heading({ screen }: Teller, text: string) {
  screen.say();
  screen.say(`  ${screen.paint('bold', text)}`);
}

function result({ screen }: Teller, text: string) {
  screen.say(`  ${screen.paint('green', '✓')} ${text}`);
}

function losses({ screen }: Teller, lost: number) {
  const mark = lost === 0 ? screen.paint('green', '✓') : screen.paint('red', '✗');
  screen.say(`  ${mark} ${lost} requests lost`);
}

const ms = (duration: number) => `${Math.round(duration)} ms`;
const took = (began: number) => ms(performance.now() - began);
