import type { Log } from '@smartstack/daemon';

import type { Snapshot } from '../../service.ts';
import type { Applied } from '../proxy.ts';
import type { HaproxyConfig } from './config/config.ts';
import { createDesire, type Desired } from './desired/desire.ts';
import type { Hosts } from './desired/hosts.ts';
import { noticesTo } from './desired/notices.ts';
import { createKeeper } from './file/keeper.ts';
import type { Remembered } from './file/memory-file.ts';
import { type Reasons, reloadReasons } from './file/reasons.ts';
import { partsOf, reload } from './file/reload.ts';
import { createQuarantine, type Quarantined } from './judge/quarantine.ts';
import type { Meters } from './meters.ts';
import type { Equipment } from './process/equipment.ts';
import { type Running, runningAt } from './process/loader.ts';
import { createLayouts, type Layout } from './render/layout.ts';
import { readWritten } from './render/written.ts';
import { isGone, isRemoved } from './runtime/runtime.ts';
import { createSync, type Synced } from './runtime/sync.ts';
import { targetsOf } from './runtime/targets.ts';
import { statusOf } from './status.ts';
import type { Due } from './time/due.ts';
import { createPace } from './time/pace.ts';

export interface EngineOptions {
  readonly config: HaproxyConfig;
  readonly equipment: Equipment;
  readonly remembered: Remembered;
  readonly hosts: Hosts;
  readonly due: Due;
  readonly meters: Meters;
  readonly log: Log;
}

/** The state of one HAProxy and the steps that change it; one step at a time. */
export interface Engine {
  /** Brings HAProxy in step with a snapshot, and does what has become due. */
  step(snapshot: Snapshot, due: ReadonlySet<string>, signal: AbortSignal): Promise<Applied>;
  /** Writes the file if members changed since. */
  flush(): Promise<void>;
  /** What HAProxy runs is not sure any more. */
  doubt(): void;
  status(): ReturnType<typeof statusOf>;
  /** What is left out for now. */
  refused(): readonly Quarantined[];
  /** The backends of the services. */
  backends(): ReadonlyMap<string, string>;
}

const none: Synced = { steps: 0, reload: new Map(), unfinished: [] };

export function createEngine(options: EngineOptions): Engine {
  const { config, equipment, remembered, hosts, due, meters, log } = options;
  const { settings, runtimes, loader, paths } = equipment;
  const [runtime] = runtimes;
  const maxId = config.max_server_id;
  const quarantine = createQuarantine(new Map(Object.entries(remembered.good)));
  const pace = createPace({ interval: config.restart_interval, jitter: config.restart_jitter });
  const layouts = createLayouts(settings);
  const parkTime = paths.memory === undefined ? undefined : config.state_file_ttl;
  const syncs = runtimes.map((one) => createSync(one, { maxId, parkTime, log }));
  const keeper = createKeeper({ ...equipment, sync: syncs[0], maxId, due, log });
  const desire = createDesire({
    settings,
    hosts,
    choose: quarantine.choose,
    addressOf: (server) => keeper.written?.servers.get(server)?.host,
    ...noticesTo(log),
  });
  /** What HAProxy runs; undefined while that is not sure. */
  let running: Running | undefined;
  let lastPid: number | undefined;
  /** The layout of the file on disk, where that is known. */
  let layout: Layout | undefined;
  /** The backends that HAProxy has. */
  let backends: ReadonlySet<string> = new Set();
  let desired: ReadonlyMap<string, Desired> = new Map();
  /** What was last brought in step; a missing service is to be looked at again. */
  let inStep = new Map<string, Desired>();
  let pending: Reasons = new Map();
  due.at('audit', Date.now() + config.audit_interval);

  async function step(
    snapshot: Snapshot,
    now: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Applied> {
    if (now.has('audit')) await audit(signal);
    if (now.has('hosts')) desire.refresh();
    desired = await desire.resolved(snapshot, signal);
    if (!running) await adopt(signal);
    const synced = running ? await syncLiving(signal) : none;
    const reasons = reasonsFor(synced);
    if (!running && !(await loader.lives(signal))) {
      lastPid = undefined;
      pace.dead();
    }
    if (now.has('file')) await flush();
    if (reasons.size > 0 && Date.now() >= pace.next) {
      if (await load(snapshot, reasons, signal)) {
        await syncMembers(signal);
        return 'reloaded';
      }
    } else {
      pending = reasons;
      if (reasons.size > 0) due.at('reload', pace.next);
      if (!running) throw new Error('haproxy does not run; it is started again soon');
    }
    return synced.steps > 0 ? 'updated' : 'unchanged';
  }

  function reasonsFor(synced: Synced): Reasons {
    const wanted = layouts(partsOf(desired), quarantine.leftOut);
    if (running?.shape === wanted.shape) layout ??= wanted;
    if (layout === wanted && keeper.written?.shape !== wanted.shape) keeper.touch();
    if (paths.config === undefined) return new Map();
    const asked = new Map([...pending, ...synced.reload]);
    const isBehind = !runtime && layout !== undefined && keeper.differs(layout, desired);
    return reloadReasons({ running, wanted, asked, isBehind });
  }

  /** Looks at everything again, as if nothing were known of it. */
  async function audit(signal: AbortSignal): Promise<void> {
    due.at('audit', Date.now() + config.audit_interval);
    doubt();
    await quarantine.release(signal);
    await keeper.look();
  }

  /** Finds the HAProxy that runs, if any; one that this process did not start or reload is taken over. */
  async function adopt(signal: AbortSignal): Promise<void> {
    if (!runtime) return;
    running = await runningAt(runtime, signal).catch(async (error: unknown) => {
      if (!isGone(error)) throw error;
      if (isRemoved(error) && (await loader.lives(signal))) equipment.renewSocket();
      return undefined;
    });
    if (!running || running.pid === lastPid) return;
    const [list = ''] = await runtime.ask(['show backend'], signal);
    backends = new Set(list.split('\n').filter((name) => !name.startsWith('#')));
    const leaving = running.pid === remembered.pid ? remembered.leaving : {};
    for (const sync of syncs) sync.adopted(keeper.written ?? readWritten(''), leaving);
    inStep = new Map();
    const { pid, shape } = running;
    if (lastPid === undefined)
      log.info({ haproxy_pid: pid, shape }, 'haproxy runs already: taken over');
    else log.warn({ haproxy_pid: pid, shape }, 'haproxy was reloaded by someone else');
    lastPid = pid;
  }

  /** A HAProxy whose socket is gone has nothing to be brought in step; one that hangs is not replaced. */
  async function syncLiving(signal: AbortSignal): Promise<Synced> {
    try {
      return await syncMembers(signal);
    } catch (error) {
      if (!isGone(error)) throw error;
      doubt();
      await adopt(signal);
      return none;
    }
  }

  async function syncMembers(signal: AbortSignal): Promise<Synced> {
    const drainTimeout = config.drain_timeout;
    const state = { desired, desire, layout, backends, inStep, syncs, drainTimeout };
    const wanted = targetsOf(state);
    if (wanted.length === 0) return none;
    const results: Synced[] = [];
    for (const sync of syncs) results.push(await sync.sync(wanted, signal));
    const unfinished = new Set(results.flatMap((one) => one.unfinished));
    const dues = syncs.map((sync) => sync.due());
    for (const { service, backend } of wanted) {
      const one = desired.get(service);
      if (one && !unfinished.has(service)) inStep.set(service, one);
      else inStep.delete(service);
      const next = Math.min(...dues.map((one) => one.get(backend) ?? Infinity));
      if (next < Infinity) due.at('drain', next);
    }
    if (unfinished.size > 0) due.at('drain', Date.now());
    const steps = results.reduce((sum, one) => sum + one.steps, 0);
    meters.steps.inc(steps);
    if (steps > 0) keeper.touch();
    const reload = new Map(results.flatMap((one) => [...one.reload]));
    return { steps, reload, unfinished: [...unfinished] };
  }

  /** Loads what a snapshot asks for; false when that runs already, but for what is left out. */
  async function load(snapshot: Snapshot, reasons: Reasons, signal: AbortSignal): Promise<boolean> {
    const isNews = ({ shape }: Layout) =>
      shape !== running?.shape || [...reasons.keys()].some((what) => what !== 'shape');
    const isRevival = !running && lastPid === undefined;
    pace.trying(isRevival);
    const state = { written: keeper.written, pid: running?.pid, isNews, isRevival };
    const parts = { equipment, desire, quarantine, syncs, log, ...state };
    const loaded = await reload(snapshot, parts, signal).catch((error: unknown) => {
      meters.reloads.inc({ result: 'failed' });
      throw error;
    });
    layout = loaded.layout;
    pending = new Map();
    pace.succeeded();
    desired = desire.of(snapshot);
    if (!loaded.file) return false;
    keeper.replaced(loaded.file);
    keeper.touch();
    meters.reloads.inc({ result: 'ok' });
    quarantine.loaded(layout.parts);
    running = runtime
      ? await runningAt(runtime, signal)
      : { pid: 0, version: '', shape: layout.shape };
    lastPid = running.pid;
    backends = new Set(layout.parts.map(({ stanza }) => stanza.backendName));
    inStep = new Map();
    for (const sync of syncs) sync.loaded(loaded.file);
    return true;
  }

  const flush = () => keeper.flush({ layout, desired, pid: lastPid, good: quarantine.good });

  function measure(): void {
    meters.quarantined.set(quarantine.list().length);
    meters.up.set(running ? 1 : 0);
  }

  function doubt(): void {
    running = undefined;
    inStep = new Map();
  }

  return {
    step: (...input) => step(...input).finally(measure),
    flush,
    doubt,
    refused: quarantine.list,
    backends: () =>
      new Map([...desired].map(([name, { part }]) => [name, part.stanza.backendName])),
    status: () =>
      statusOf({
        config,
        running,
        desired,
        syncs,
        quarantine: quarantine.list(),
        fileTrouble: keeper.trouble,
        pending,
        nextReload: pace.next,
        capabilities: settings.capabilities,
      }),
  };
}
