import type { Log } from '@smartstack/daemon';
import type { Applied, Due, Pace, Snapshot } from '@smartstack/proxy';
import { createQuarantine, type Refused } from '@smartstack/proxy';
import { type HaproxyConfig, isManaged } from './config/config.ts';
import { createDesiredState, type Desired } from './desired/desired.ts';
import type { Hosts } from './desired/hosts.ts';
import { noticesTo } from './desired/notices.ts';
import { createUnresolved } from './desired/unresolved.ts';
import type { Environment } from './process/environment.ts';
import { createConfigFile } from './reload/config-file.ts';
import { createReloads } from './reload/reloads.ts';
import type { Remembered } from './reload/state-file.ts';
import { createActual } from './runtime/actual.ts';
import { isGone } from './runtime/admin-socket.ts';
import { createMembership } from './runtime/membership.ts';
import { createSync, type Synced } from './runtime/sync.ts';
import type { Meters } from './status/metrics.ts';
import { statusOf } from './status/status.ts';

export interface EngineOptions {
  readonly config: HaproxyConfig;
  readonly environment: Environment;
  readonly remembered: Remembered;
  readonly hosts: Hosts;
  readonly due: Due;
  readonly pace: Pace;
  readonly meters: Meters;
  readonly log: Log;
}

/** The state of one HAProxy and the steps that change it; one step at a time. */
export interface Engine {
  /** Makes what HAProxy is to have of a part of the first snapshot; the first step finds it made. */
  prepare(snapshot: Snapshot): Promise<void>;
  /** Brings HAProxy in step with a snapshot, and does what has become due. */
  step(snapshot: Snapshot, due: ReadonlySet<string>, signal: AbortSignal): Promise<Applied>;
  /** Waits for what is under way, and writes the file if members changed since. */
  close(): Promise<void>;
  /** What HAProxy runs is not sure any more. */
  invalidate(): void;
  /** Whether another version runs than what was equipped for: HAProxy was upgraded. */
  readonly isOutdated: boolean;
  /** Asks HAProxy for its actual state, which `status` shows for a while; at most once a second. */
  refresh(signal: AbortSignal): Promise<void>;
  status(): ReturnType<typeof statusOf>;
  /** What is left out for now. */
  refused(): readonly Refused[];
  /** The backends of the services. */
  backends(): ReadonlyMap<string, string>;
}

const nothing: Synced = { steps: 0, reload: new Map(), unfinished: [] };

/** How long what is due waits while a file is loaded, in milliseconds. */
const soon = 200;

/**
 * One HAProxy: `actual` is what it has, `desire` what it should have, `reloads` and `actual.sync` what brings
 * it there. A step says in which order.
 */
export function createEngine(options: EngineOptions): Engine {
  const { config, environment, remembered, hosts, due, pace, meters, log } = options;
  const { settings, runtimes, loader, paths } = environment;
  const maxId = config.max_server_id;
  const parkTime = paths.memory === undefined ? undefined : config.state_file_ttl;
  const quarantine = createQuarantine(remembered.good);
  const syncs = runtimes.map((one) => createSync(one, { maxId, parkTime, log }));
  const membership = createMembership({ syncs, due, drainTimeout: config.drain_timeout });
  const configFile = createConfigFile({ ...environment, sync: syncs[0], maxId, due, log });
  const desire = createDesiredState({
    settings,
    hosts,
    choose: quarantine.choose,
    choices: quarantine.choices,
    addressOf: (server) => configFile.written?.servers.get(server)?.host,
    ...noticesTo(log),
  });
  const sayUnresolved = createUnresolved(meters, log);
  const actual = createActual({ environment, membership, configFile, remembered, log });
  const shared = { config, environment, due, pace, meters, log };
  const reloads = createReloads({ ...shared, actual, desire, quarantine, syncs, configFile });
  let desired: ReadonlyMap<string, Desired> = new Map();
  due.at('audit', performance.now() + config.audit_interval);

  async function step(
    snapshot: Snapshot,
    now: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Applied> {
    const ended = await reloads.take(signal);
    if (now.has('hosts')) desire.refresh();
    desired = await desire.resolved(snapshot, signal);
    sayUnresolved(desired);
    if (reloads.isUnderWay) return appliedBy(await syncMeanwhile(now, signal));
    if (now.has('audit')) await audit(signal);
    if (!actual.running) await actual.find(signal);
    const synced = actual.running ? await syncLiving(signal) : nothing;
    if (ended?.error) throw ended.error;
    const reasons = await reloads.consider(desired);
    if (!actual.running && !(await loader.lives(signal))) {
      actual.dead();
      pace.dead();
    }
    if (now.has('file')) await flush();
    if (reasons.size > 0 && performance.now() >= pace.next) {
      if (await load(snapshot, signal)) return 'reloaded';
    } else {
      if (reasons.size > 0) due.at('reload', pace.next);
      if (!actual.running && runtimes.length > 0) throw new Error(absence());
    }
    return ended?.isLoaded ? 'reloaded' : appliedBy(synced);
  }

  const appliedBy = ({ steps }: Synced): Applied => (steps > 0 ? 'updated' : 'unchanged');

  async function sync(signal: AbortSignal): Promise<Synced> {
    const synced = await actual.sync({ desired, desire, layout: reloads.layout }, signal);
    meters.steps.inc(synced.steps);
    reloads.compared(synced);
    return synced;
  }

  /** A HAProxy whose socket is gone has nothing to be brought in step; one that hangs is not replaced. */
  async function syncLiving(signal: AbortSignal): Promise<Synced> {
    try {
      return await sync(signal);
    } catch (error) {
      if (!isGone(error)) throw error;
      actual.invalidate();
      await actual.find(signal);
      return nothing;
    }
  }

  /** Members go on while a file is loaded; which worker answers is not sure, and all is looked at again after it. */
  async function syncMeanwhile(now: ReadonlySet<string>, signal: AbortSignal): Promise<Synced> {
    for (const name of now) due.at(name, performance.now() + soon);
    if (!actual.running) return nothing;
    return sync(signal).catch(() => {
      signal.throwIfAborted();
      due.at('meanwhile', performance.now() + soon);
      return nothing;
    });
  }

  /** Asks what there is, as if it were not known, and looks at what is otherwise than it was left. */
  async function audit(signal: AbortSignal): Promise<void> {
    due.at('audit', performance.now() + config.audit_interval);
    await actual.audit(signal);
    await quarantine.release(signal);
    await configFile.look();
  }

  async function load(snapshot: Snapshot, signal: AbortSignal): Promise<boolean> {
    if (!(await reloads.load(snapshot, () => desired, signal))) return false;
    desired = await desire.resolved(snapshot, signal);
    await sync(signal);
    return true;
  }

  /** Why nobody answers, and who is to see to it. */
  function absence(): string {
    if (isManaged(config) && !config.supervised)
      return 'haproxy does not run; it is started again soon';
    const where = paths.sockets[0] ?? 'any socket';
    return `haproxy does not answer at ${where}: check that its service manager starts it`;
  }

  const flush = () =>
    configFile.flush({
      layout: reloads.layout,
      desired,
      pid: actual.lastPid,
      good: quarantine.good,
    });

  function measure(): void {
    meters.quarantined.set(quarantine.list().length);
    meters.up.set(actual.running ? 1 : 0);
    meters.notInStep.set(reloads.stuck.size);
  }

  return {
    prepare: async (snapshot) => {
      await desire.of(snapshot);
    },
    step: (...input) => step(...input).finally(measure),
    close: async () => {
      await reloads.close();
      await flush();
    },
    invalidate: actual.invalidate,
    get isOutdated() {
      const { version = '' } = actual.running ?? {};
      return version !== '' && version !== settings.capabilities.version;
    },
    refused: quarantine.list,
    backends: () =>
      new Map([...desired].map(([name, { part }]) => [name, part.stanza.backendName])),
    refresh: actual.refresh,
    status: () =>
      statusOf({
        seen: actual.seen(),
        hasSocket: runtimes.length > 0,
        config,
        running: actual.running,
        desired,
        syncs,
        quarantine: quarantine.list(),
        fileTrouble: configFile.trouble,
        pending: reloads.pending,
        refusal: reloads.refusal,
        stuck: reloads.stuck,
        isReloading: reloads.isUnderWay,
        nextReload: pace.next,
        capabilities: settings.capabilities,
      }),
  };
}
