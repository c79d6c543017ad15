import type { Applied, Refused, Snapshot } from '@smartstack/proxy';
import { type HaproxyConfig, isManaged } from './config/config.ts';
import type { Desired } from './desired/desired.ts';
import { createUnresolved } from './desired/unresolved.ts';
import { type EngineOptions, measure, partsOf, statusInputOf } from './engine-parts.ts';
import { createOutputBound } from './process/output.ts';
import type { Reasons } from './reload/reasons.ts';
import { ejectTimesOf, type MeasuredBackend } from './runtime/measure.ts';
import { createMemberSync, nothingSynced } from './runtime/member-sync.ts';
import type { Synced } from './runtime/sync.ts';
import { statusOf } from './status/status.ts';

/** The state of one HAProxy and the steps that change it; one step at a time. */
export interface Engine {
  /** Works out beforehand what HAProxy is to have of a part of the first snapshot. */
  prepare(snapshot: Snapshot): Promise<void>;
  /** Brings HAProxy in step with a snapshot, and does the work that has become due. */
  step(snapshot: Snapshot, due: ReadonlySet<string>, signal: AbortSignal): Promise<Applied>;
  /** Waits for a reload that is under way, and writes the file if members changed since. */
  close(): Promise<void>;
  /** What HAProxy runs is no longer certain. */
  invalidate(): void;
  /** Whether HAProxy was upgraded: another version runs than the one that this engine was made for. */
  readonly isOutdated: boolean;
  /** Asks HAProxy for its actual state, which `status` shows for a while; at most once a second. */
  refresh(signal: AbortSignal): Promise<void>;
  status(): ReturnType<typeof statusOf>;
  /** The services and sections that are left out for now. */
  refused(): readonly Refused[];
  /** The backends of the HAProxy that runs, which services are called by. */
  standing(signal: AbortSignal): Promise<ReadonlySet<string>>;
  /** Whether the HAProxy that runs has a service's lines. */
  serves(service: string): boolean;
  /** The backend of each service. */
  backends(): ReadonlyMap<string, MeasuredBackend>;
}

/**
 * One HAProxy: `actual` is what it has, `desire` what it should have, `reloads` and `actual.sync` what brings
 * it there. A step says in which order.
 */
export function createEngine(options: EngineOptions): Engine {
  const { config, environment, due, pace, meters } = options;
  const { settings, runtimes, loader, paths } = environment;
  const parts = partsOf(options);
  const { quarantine, configFile, desire, values, actual, reloads } = parts;
  const boundOutput = createOutputBound(environment.managed, config, options.log);
  const logUnresolved = createUnresolved(meters, options.log);
  let desired: ReadonlyMap<string, Desired> = new Map();
  const members = createMemberSync({ ...options, actual, desire, reloads, desired: () => desired });
  due.at('audit', performance.now() + config.audit_interval);

  async function step(
    snapshot: Snapshot,
    now: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Applied> {
    const ended = await reloads.take(signal);
    if (now.has('hosts')) desire.refresh();
    desired = await desire.resolved(snapshot, signal);
    logUnresolved(desired);
    if (reloads.isUnderWay) return appliedBy(await members.syncMeanwhile(now, signal));
    if (now.has('audit')) await audit(signal);
    if (!actual.running) await actual.find(signal);
    const synced = actual.running ? await members.syncLiving(signal) : nothingSynced;
    if (actual.running) await values.sync(desired, signal);
    if (ended?.error) throw ended.error;
    const reasons = await reloads.consider(desired);
    if (!actual.running && !(await loader.lives(signal))) {
      actual.dead();
      pace.dead();
    }
    if (now.has('file')) await flush();
    const isLoaded = await loadWhenDue(snapshot, reasons, signal);
    return isLoaded || ended?.isLoaded ? 'reloaded' : appliedBy(synced);
  }

  /** Loads a file if anything asks for it and the pace allows it now; whether another one runs. */
  async function loadWhenDue(
    snapshot: Snapshot,
    reasons: Reasons,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (reasons.size > 0 && performance.now() >= pace.next) return load(snapshot, signal);
    if (reasons.size > 0) due.at('reload', pace.next);
    if (!actual.running && runtimes.length > 0)
      throw new Error(whyAbsent(config, paths.sockets[0]));
    return false;
  }

  /** Asks HAProxy for its actual state, as if nothing were known, and checks whether the file was changed. */
  async function audit(signal: AbortSignal): Promise<void> {
    due.at('audit', performance.now() + config.audit_interval);
    values.invalidate();
    await actual.audit(signal);
    await quarantine.release(signal);
    await configFile.look();
    await boundOutput();
  }

  async function load(snapshot: Snapshot, signal: AbortSignal): Promise<boolean> {
    if (!(await reloads.load(snapshot, () => desired, signal))) return false;
    desired = await desire.resolved(snapshot, signal);
    await members.sync(signal);
    return true;
  }

  const flush = () =>
    configFile.flush({
      layout: reloads.layout,
      desired,
      pid: actual.lastPid,
      good: quarantine.good,
    });

  return {
    prepare: async (snapshot) => {
      await desire.of(snapshot);
    },
    step: (...input) => step(...input).finally(() => measure(meters, parts)),
    close: async () => {
      await reloads.close();
      await flush();
    },
    invalidate: () => {
      values.invalidate();
      actual.invalidate();
    },
    get isOutdated() {
      const { version = '' } = actual.running ?? {};
      return version !== '' && version !== settings.capabilities.version;
    },
    refused: quarantine.list,
    standing: async (signal) => {
      await actual.find(signal);
      return actual.backends;
    },
    serves: (service) =>
      actual.running !== undefined &&
      !reloads.isUnderWay &&
      reloads.layout?.partOf.has(service) === true,
    backends: () => backendsOf(desired),
    refresh: (signal) => actual.refresh(signal, ejectTimesOf(backendsOf(desired).values())),
    status: () => statusOf(statusInputOf(options, parts, desired)),
  };
}

const backendsOf = (desired: ReadonlyMap<string, Desired>): ReadonlyMap<string, MeasuredBackend> =>
  new Map(
    [...desired].map(([name, { part }]) => [
      name,
      { backend: part.stanza.backendName, traffic: part.config.traffic },
    ]),
  );

const appliedBy = ({ steps }: Synced): Applied => (steps > 0 ? 'updated' : 'unchanged');

/** Why HAProxy does not answer, and what to do. */
function whyAbsent(config: HaproxyConfig, socket: string | undefined): string {
  if (isManaged(config) && !config.supervised)
    return 'haproxy does not run; it is started again soon';
  return `haproxy does not answer at ${socket ?? 'any socket'}: check that its service manager starts it`;
}
