import { readFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { createMetrics, silentLog } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import type { z } from 'zod';

import { withBackends } from '../../packages/haproxy/src/backends/driver.ts';
import { haproxySchema, haproxyServiceSchema } from '../../packages/haproxy/src/config/config.ts';
import { createHaproxyDriver } from '../../packages/haproxy/src/driver.ts';
import type { Applied, ProxyDriver } from '../../packages/proxy/src/driver.ts';
import type { Service, Snapshot } from '../../packages/proxy/src/service.ts';
import { createScratch, type Scratch } from './scratch.ts';

export type TopConfig = z.input<typeof haproxySchema>;
export type ServiceSection = z.input<typeof haproxyServiceSchema>;

/** A driver as synapse would run it: what it asks to be woken for is applied too. */
export interface Driven extends AsyncDisposable {
  readonly driver: ProxyDriver;
  /** Applies a snapshot until no reload is under way. */
  apply(snapshot: Snapshot): Promise<Applied>;
  /** Applies a snapshot once, as synapse does. */
  step(snapshot: Snapshot): Promise<Applied>;
  /** What `apply` threw when the driver had asked for it. */
  readonly failures: readonly unknown[];
  /** The driver's metrics, as Prometheus reads them. */
  metrics(): Promise<string>;
}

/** Drives a HAProxy with a configuration; one `apply` at a time. */
export function drive(config: TopConfig): Driven {
  const metrics = createMetrics();
  const driver = withBackends(
    createHaproxyDriver(haproxySchema.parse(config), { log: silentLog, metrics }),
  );
  const ended = new AbortController();
  const failures: unknown[] = [];
  let last: Snapshot | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  const queued = (work: typeof driver.apply) => (snapshot: Snapshot) => {
    last = snapshot;
    const applied = queue.then(() => work(snapshot, ended.signal));
    queue = applied.catch(() => undefined);
    return applied;
  };
  const step = queued(driver.apply);
  const apply = queued((snapshot, signal) => applyFully(driver, snapshot, signal));
  const waking = (async () => {
    for await (const _ of driver.wakes(ended.signal)) {
      if (!last) continue;
      await step(last).catch((error: unknown) => failures.push(error));
    }
  })();
  return {
    driver,
    apply,
    step,
    failures,
    metrics: async () => (await metrics.text()).body,
    [Symbol.asyncDispose]: async () => {
      await queue;
      ended.abort();
      await waking;
      await driver[Symbol.asyncDispose]();
    },
  };
}

/** Applies until no reload is under way: a slow one goes on when `apply` is done. */
async function applyFully(
  driver: ProxyDriver,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<Applied> {
  let applied = await driver.apply(snapshot, signal);
  while ((driver.status() as { reload?: { underWay: boolean } }).reload?.underWay) {
    await sleep(20);
    const next = await driver.apply(snapshot, signal);
    if (next !== 'unchanged' && applied !== 'reloaded') applied = next;
  }
  return applied;
}

/** The HAProxy under test: the one in PATH, or another version's. */
export const program = process.env.HAPROXY ?? 'haproxy';

/** A folder with a managed HAProxy in it, which is ended with it. */
export async function createRun(
  binary = program,
): Promise<Scratch & { readonly config: TopConfig; readonly socket: string }> {
  const scratch = await createScratch();
  return {
    ...scratch,
    socket: scratch.path('run', 'haproxy.sock'),
    config: { run_directory: scratch.path('run'), stats_address: false, binary },
    [Symbol.asyncDispose]: async () => {
      await killHaproxy(scratch.path('run'));
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** Ends the HAProxy of a run directory, if one runs. */
export async function killHaproxy(runDirectory: string): Promise<void> {
  const pid = await masterOf(runDirectory);
  if (pid === undefined) return;
  for (const signal of ['SIGCONT', 'SIGTERM'] as const) process.kill(pid, signal);
  for (let tries = 0; tries < 200 && (await masterOf(runDirectory)) !== undefined; tries++)
    await sleep(10);
}

/** The pid of a run directory's master; undefined when none lives. */
export async function masterOf(runDirectory: string): Promise<number | undefined> {
  const pid = Number(await readFile(`${runDirectory}/haproxy.pid`, 'utf8').catch(() => ''));
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes(runDirectory) ? pid : undefined;
}

/** One service of a snapshot. */
export function service(
  name: string,
  haproxy: ServiceSection,
  instances?: readonly Instance[],
): Service {
  return {
    name,
    instances,
    defaults: [],
    own: { haproxy: haproxyServiceSchema.parse(haproxy) },
    origin: `synapse.yaml:${name}`,
  };
}

export const snapshotOf = (...services: readonly Service[]): Snapshot =>
  new Map(services.map((one) => [one.name, one]));

export const member = (port: number, name?: string): Instance => ({
  host: '127.0.0.1',
  port,
  ...(name !== undefined && { name }),
});

/** Snapshots of a service `web` at a port, with members at ports of this machine. */
export const webAt =
  (port: number, section: ServiceSection = {}) =>
  (...ports: readonly number[]): Snapshot =>
    snapshotOf(
      service(
        'web',
        { port, ...section },
        ports.map((each) => member(each)),
      ),
    );

/** One keep-alive connection to a port; `copy` answered the first request. */
export async function holdConnection(port: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      get({ host: '127.0.0.1', port, agent }, (response) => {
        let body = '';
        response.on('data', (part) => {
          body += part;
        });
        response.on('end', () => resolve(body.trim()));
      }).on('error', reject);
    });
  const copy = await ask();
  return { copy, ask, [Symbol.asyncDispose]: async () => agent.destroy() };
}

/** The body that a new connection to a port of this machine gets. */
export async function answerOf(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(5_000),
  });
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  return (await response.text()).trim();
}

/** What a driver's status says of each server of a service. */
export function statesOf({ driver }: Driven, name: string): Readonly<Record<string, string>> {
  const { services } = driver.status();
  return Object.fromEntries((services?.[name]?.servers ?? []).map((one) => [one.name, one.state]));
}

/** The pid of the worker that a driver says it keeps in step. */
export function pidOf({ driver }: Driven): number {
  return (driver.status() as { pid: number }).pid;
}
