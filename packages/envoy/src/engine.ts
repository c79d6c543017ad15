import { resolve } from 'node:path';

import { createDeadline, type Log, type Metrics } from '@smartstack/daemon';
import type { Applied, Due, Hosts, Measured, Refused, Snapshot } from '@smartstack/proxy';

import { createAdmin } from './admin/client.ts';
import { createMeasuring } from './admin/measuring.ts';
import type { EnvoyConfig } from './config/config.ts';
import { createDesire, type Desired } from './desired/desire.ts';
import { createSocketLog, createUnresolved } from './desired/unresolved.ts';
import { createFiles } from './files/files.ts';
import { createManagedEnvoy } from './process/managed.ts';
import { envoyPaths } from './process/options.ts';
import { adminOf, optionsOf, xdsSocketOf } from './process/paths.ts';
import { clusterName, listenerName } from './resources/names.ts';
import { createLeftOut } from './status/left-out.ts';
import { measuredServices } from './status/measured-services.ts';
import type { Meters } from './status/metrics.ts';
import { createSeen } from './status/seen.ts';
import { statusOf } from './status/status.ts';
import { envoysOf, isEnvoy } from './status/subscribers.ts';
import { defaultLimits } from './xds/limits.ts';
import type { ResourceType } from './xds/resource.ts';
import { type AdsServer, createAdsServer } from './xds/server.ts';

/** What subscribers are told, and the Envoy that synapse runs; one step at a time. */
export interface Engine extends AsyncDisposable {
  /** Works out beforehand what a part of the first snapshot comes to. */
  prepare(snapshot: Snapshot): void;
  /** Serves a snapshot, and does the work that has become due. */
  step(snapshot: Snapshot, due: ReadonlySet<string>, signal: AbortSignal): Promise<Applied>;
  /** Uses other keys of the section from the next step on. */
  configure(config: EnvoyConfig): void;
  /** Yields when Envoy died, or a start may be tried again. Ends when aborted. */
  deaths(signal: AbortSignal): AsyncIterable<void>;
  /** Yields when a subscriber came, went, refused something or is in step. Ends when aborted. */
  told(signal: AbortSignal): AsyncIterable<void>;
  /** Asks Envoy for its members, which `status` shows for a while; at most once a second. */
  refresh(signal: AbortSignal): Promise<void>;
  measure(signal: AbortSignal): Promise<ReadonlyMap<string, Measured>>;
  refused(): readonly Refused[];
  /** Whether apps reach a service through Envoy now. */
  serves(service: string): boolean;
  status(): ReturnType<typeof statusOf>;
}

export interface EngineOptions {
  readonly config: EnvoyConfig;
  readonly hosts: Hosts;
  readonly due: Due;
  readonly meters: Meters;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** How long a step waits until an Envoy that was just started has what it is served, in milliseconds. */
const patience = 10_000;

/** Listens for subscribers. Rejects where it cannot. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { hosts, due, meters, log } = options;
  let { config } = options;
  const runs = optionsOf(config);
  const place = adminOf(config);
  const ads = await openServer(options);
  const managed = runs && createManagedEnvoy(runs, log);
  const measuring =
    place && createMeasuring(createAdmin(place), runs && envoyPaths(runs).ejections);
  const files = config.files === undefined ? undefined : createFiles(resolve(config.files));
  const desire = createDesire(config, hosts);
  const logUnresolved = createUnresolved(meters, log);
  const logSockets = createSocketLog(log);
  const leftOut = createLeftOut();
  const seen = createSeen(members);
  let desired: Desired | undefined;
  let isRunning = false;

  const envoys = () => envoysOf(ads, runs?.node.id);

  async function step(
    snapshot: Snapshot,
    now: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Applied> {
    if (now.has('hosts') || (await hosts.learn(signal))) desire.refresh(config);
    const isServed = serve(snapshot);
    // Names that this snapshot has first are looked up before anything else waits for them.
    if (await hosts.learn(signal)) {
      desire.refresh(config);
      serve(snapshot);
    }
    const applied = isServed ? 'updated' : 'unchanged';
    try {
      return await keepRunning(applied, now, signal);
    } finally {
      await writeFiles(now);
    }
  }

  /** Sees to it that an Envoy runs, and waits for one that was started. */
  async function keepRunning(
    applied: Applied,
    now: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Applied> {
    if (!managed) return applied;
    if (now.has('died') || now.has('audit')) isRunning = false;
    if (isRunning) return applied;
    due.at('audit', performance.now() + config.audit_interval);
    const ensured = await managed.ensure(signal);
    isRunning = true;
    if (ensured === 'running') return applied;
    meters.starts.inc({ result: ensured });
    await settled(signal);
    return 'reloaded';
  }

  async function writeFiles(now: ReadonlySet<string>): Promise<void> {
    if (!files || !desired) return;
    if (now.has('files')) files.recheck();
    due.at('files', performance.now() + config.audit_interval);
    await files.write(desired.resources);
  }

  /** Whether something else is served than before. */
  function serve(snapshot: Snapshot): boolean {
    const before = desired;
    desired = desire.of(snapshot);
    if (desire.next < Number.POSITIVE_INFINITY) due.at('left', desire.next);
    if (desired === before) return false;
    logUnresolved(desired);
    logSockets(desired);
    leftOut.note(desired.refused);
    ads.serve(desired.resources);
    return desired.resources !== before?.resources;
  }

  /** Waits until Envoy has, or refuses, all that it asked for. */
  async function settled(signal: AbortSignal): Promise<void> {
    using deadline = createDeadline(patience, signal);
    if (envoys().isSettled) return;
    for await (const _ of ads.changes(deadline.signal)) if (envoys().isSettled) return;
    signal.throwIfAborted();
  }

  async function measure(signal: AbortSignal): Promise<ReadonlyMap<string, Measured>> {
    if (!measuring || !desired) return new Map();
    return measuring.measure(measuredServices(desired), signal);
  }

  async function members(signal: AbortSignal) {
    if (!measuring || !desired) return new Map();
    return measuring.members(measuredServices(desired), signal);
  }

  /** A listener takes connections once its routes are there. */
  function serves(service: string): boolean {
    if (!desired?.resources.cluster.has(clusterName(service))) return false;
    const { listener, route } = desired.resources;
    const has = (type: ResourceType, name: string) => ads.has(type, name, isEnvoy(runs?.node.id));
    if (!listener.has(listenerName(service))) return true;
    return has('listener', listenerName(service)) && (!route.has(service) || has('route', service));
  }

  function refused(): readonly Refused[] {
    const own = leftOut.list();
    const names = new Set(own.map(({ owner }) => owner));
    return [...own, ...envoys().refused.filter(({ owner }) => !names.has(owner))];
  }

  return {
    prepare: (snapshot) => {
      desire.of(snapshot);
    },
    step: (...input) =>
      step(...input).finally(() => {
        meters.up.set(envoys().isInStep ? 1 : 0);
        meters.refused.set(refused().length);
      }),
    configure: (next) => {
      config = next;
      desire.refresh(next);
    },
    deaths: (signal) => managed?.ends(signal) ?? never(signal),
    told: (signal) => ads.changes(signal),
    refresh: (signal) => seen.refresh(signal),
    measure: async (signal) => seen.note(await measure(signal)),
    refused,
    serves,
    status: () =>
      statusOf({
        config,
        desired,
        envoys: envoys(),
        process: managed?.status(),
        subscribers: ads.status(),
        seen: measuring && seen.latest(),
      }),
    [Symbol.asyncDispose]: async () => {
      try {
        await managed?.[Symbol.asyncDispose]();
      } finally {
        await ads[Symbol.asyncDispose]();
      }
    },
  };
}

async function openServer({ config, log, metrics }: EngineOptions): Promise<AdsServer> {
  // A listener that drains may still use a cluster that is removed.
  const limits = { letGo: Math.max(defaultLimits.letGo, config.drain_time) };
  const ads = createAdsServer({ log, metrics, limits });
  const path = xdsSocketOf(config);
  const { address, mode } = config.xds;
  try {
    await ads.listen({
      ...(path !== undefined && { socket: { path, mode } }),
      ...(address !== undefined && { address: shownAddress(address) }),
    });
    return ads;
  } catch (error) {
    await ads[Symbol.asyncDispose]();
    throw error;
  }
}

const shownAddress = ({ host, port }: { readonly host: string; readonly port: number }) =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Nothing, until aborted. */
async function* never(signal: AbortSignal): AsyncGenerator<void, void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
