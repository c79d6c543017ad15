import type { Applied, Refused, Snapshot } from '@smartstack/proxy';
import { type HaproxyConfig, isManaged } from './config/config.ts';
import type { Desired } from './desired/desired.ts';
import { createUnresolved } from './desired/unresolved.ts';
import { type EngineOptions, partsOf } from './engine-parts.ts';
import { createOutputBound } from './process/output.ts';
import { ejectTimesOf, type MeasuredBackend } from './runtime/measure.ts';
import { createMemberSync, nothingSynced } from './runtime/member-sync.ts';
import type { Synced } from './runtime/sync.ts';
import { statusOf } from './status/status.ts';

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
  backends(): ReadonlyMap<string, MeasuredBackend>;
}

/**
 * One HAProxy: `actual` is what it has, `desire` what it should have, `reloads` and `actual.sync` what brings
 * it there. A step says in which order.
 */
export function createEngine(options: EngineOptions): Engine {
  const { config, environment, due, pace, meters } = options;
  const { settings, runtimes, loader, paths } = environment;
  const { quarantine, syncs, configFile, desire, values, actual, reloads } = partsOf(options);
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
    if (actual.running) meters.steps.inc(await values.sync(desired, signal));
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
      if (!actual.running && runtimes.length > 0)
        throw new Error(whyAbsent(config, paths.sockets[0]));
    }
    return ended?.isLoaded ? 'reloaded' : appliedBy(synced);
  }

  /** Asks what there is, as if it were not known, and looks at what is otherwise than it was left. */
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

  function measure(): void {
    meters.quarantined.set(quarantine.list().length);
    meters.up.set(actual.running ? 1 : 0);
    meters.notInStep.set(reloads.stuck.size);
  }

  const backends = (): ReadonlyMap<string, MeasuredBackend> =>
    new Map(
      [...desired].map(([name, { part }]) => [
        name,
        { backend: part.stanza.backendName, traffic: part.config.traffic },
      ]),
    );

  return {
    prepare: async (snapshot) => {
      await desire.of(snapshot);
    },
    step: (...input) => step(...input).finally(measure),
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
    backends,
    refresh: (signal) => actual.refresh(signal, ejectTimesOf(backends().values())),
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

const appliedBy = ({ steps }: Synced): Applied => (steps > 0 ? 'updated' : 'unchanged');

/** Why HAProxy does not answer, and what to do. */
function whyAbsent(config: HaproxyConfig, socket: string | undefined): string {
  if (isManaged(config) && !config.supervised)
    return 'haproxy does not run; it is started again soon';
  return `haproxy does not answer at ${socket ?? 'any socket'}: check that its service manager starts it`;
}
