import { type Log, writeFileAtomic } from '@smartstack/daemon';

import type { Snapshot } from '../../service.ts';
import type { Applied } from '../proxy.ts';
import type { HaproxyConfig } from './config.ts';
import { createDesire, type Desired } from './desire.ts';
import type { Due } from './due.ts';
import type { Equipment } from './equipment.ts';
import { createHosts } from './hosts.ts';
import { createLayouts, type Layout } from './layout.ts';
import { type Running, runningAt } from './loader.ts';
import { fileWith } from './members.ts';
import type { Meters } from './meters.ts';
import { createQuarantine } from './quarantine.ts';
import { partsOf, reload } from './reload.ts';
import { createRestarts } from './restarts.ts';
import { statusOf } from './status.ts';
import { createSync, type Synced } from './sync.ts';
import { targetsOf } from './targets.ts';
import { readWritten, type WrittenFile } from './written.ts';

export interface EngineOptions {
  readonly config: HaproxyConfig;
  readonly equipment: Equipment;
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
  died(): void;
  status(): ReturnType<typeof statusOf>;
}

/** How long the file may lag behind the members that HAProxy was told, in milliseconds. */
const fileLag = 1_000;
const none: Synced = { steps: 0, reload: new Map() };

export function createEngine({ config, equipment, due, meters, log }: EngineOptions): Engine {
  const { settings, runtimes, loader, paths } = equipment;
  const [runtime] = runtimes;
  const maxId = config.max_server_id;
  const hosts = createHosts();
  const quarantine = createQuarantine();
  const desire = createDesire({ settings, hosts, choose: quarantine.choose });
  const layouts = createLayouts(settings);
  const syncs = runtimes.map((one) => createSync(one, { maxId, log }));
  /** What HAProxy runs; undefined while that is not sure. */
  let running: Running | undefined;
  let lastPid: number | undefined;
  /** The file on disk, and the layout that it has, where that is known. */
  let written: WrittenFile | undefined = equipment.written;
  let layout: Layout | undefined;
  /** The backends that HAProxy has. */
  let backends: ReadonlySet<string> = new Set();
  let desired: ReadonlyMap<string, Desired> = new Map();
  /** What was last brought in step; a missing service is to be looked at again. */
  let inStep = new Map<string, Desired>();
  let isFileOld = false;
  let nextReload = 0;
  const restarts = createRestarts();
  let pending: ReadonlyMap<string, string> = new Map();
  due.at('audit', Date.now() + config.audit_interval);

  async function step(
    snapshot: Snapshot,
    now: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Applied> {
    if (now.has('audit')) await audit(signal);
    desired = await desireAll(snapshot, now.has('hosts'), signal);
    if (!running) await adopt(signal);
    const synced = running ? await syncLiving(signal) : none;
    const reasons = reloadReasons(synced);
    if (!running && !(await loader.lives(signal))) {
      lastPid = undefined;
      nextReload = restarts.next();
    }
    if (reasons.size > 0 && Date.now() >= nextReload) {
      if (await load(snapshot, reasons, signal)) {
        await syncMembers(signal);
        return 'reloaded';
      }
    } else {
      pending = reasons;
      if (reasons.size > 0) due.at('reload', nextReload);
    }
    if (now.has('file')) await flush();
    else if (isFileOld) due.at('file', Date.now() + fileLag);
    return synced.steps > 0 ? 'updated' : 'unchanged';
  }

  /** Why the file must be loaded, by what asks for it; empty when it need not. */
  function reloadReasons(synced: Synced): ReadonlyMap<string, string> {
    const reasons = new Map([...pending, ...synced.reload]);
    const wanted = layouts(partsOf(desired), quarantine.leftOut);
    if (running?.shape === wanted.shape) layout ??= wanted;
    if (paths.config === undefined) return new Map();
    for (const own of ['shape', 'members']) reasons.delete(own);
    if (!running) reasons.set('shape', 'haproxy does not run');
    else if (running.shape !== wanted.shape) reasons.set('shape', 'sections changed');
    if (!runtime && layout && textNow(layout) !== written?.text)
      reasons.set('members', 'do_socket is false');
    return reasons;
  }

  async function desireAll(snapshot: Snapshot, retry: boolean, signal: AbortSignal) {
    const first = desire.of(snapshot);
    if (hosts.unknown.length === 0) return first;
    const changed = await hosts.refresh(retry ? 'unknown' : 'new', signal);
    if (hosts.unknown.length > 0) due.at('hosts', Date.now() + 5_000);
    if (!changed) return first;
    desire.refresh();
    return desire.of(snapshot);
  }

  /** Looks at everything again, as if nothing were known of it. */
  async function audit(signal: AbortSignal): Promise<void> {
    due.at('audit', Date.now() + config.audit_interval);
    inStep = new Map();
    running = undefined;
    await quarantine.release(signal);
    if (await hosts.refresh('all', signal)) desire.refresh();
  }

  /** Finds the HAProxy that runs, if any; one that this process did not start or reload is taken over. */
  async function adopt(signal: AbortSignal): Promise<void> {
    if (!runtime) return;
    running = await runningAt(runtime, signal).catch(() => undefined);
    if (!running || running.pid === lastPid) return;
    const [list = ''] = await runtime.ask(['show backend'], signal);
    backends = new Set(list.split('\n').filter((name) => !name.startsWith('#')));
    for (const sync of syncs) sync.loaded(written ?? readWritten(''), false);
    inStep = new Map();
    const { pid, shape } = running;
    if (lastPid === undefined)
      log.info({ haproxy_pid: pid, shape }, 'haproxy runs already: taken over');
    else log.warn({ haproxy_pid: pid, shape }, 'haproxy was reloaded by someone else');
    lastPid = pid;
  }

  /** A HAProxy that turns out to be dead has nothing to be brought in step. */
  async function syncLiving(signal: AbortSignal): Promise<Synced> {
    try {
      return await syncMembers(signal);
    } catch (error) {
      if (await loader.lives(signal)) throw error;
      running = undefined;
      return none;
    }
  }

  async function syncMembers(signal: AbortSignal): Promise<Synced> {
    const wanted = targetsOf({
      desired,
      desire,
      layout,
      backends,
      inStep,
      syncs,
      drainTimeout: config.drain_timeout,
    });
    if (wanted.length === 0) return none;
    const results: Synced[] = [];
    for (const sync of syncs) results.push(await sync.sync(wanted, signal));
    for (const { service, backend } of wanted) {
      const one = desired.get(service);
      if (one) inStep.set(service, one);
      for (const sync of syncs) {
        const next = sync.due().get(backend);
        if (next !== undefined) due.at('drain', next);
      }
    }
    const steps = results.reduce((sum, one) => sum + one.steps, 0);
    meters.steps.inc(steps);
    isFileOld ||= steps > 0;
    return { steps, reload: new Map(results.flatMap((one) => [...one.reload])) };
  }

  /** Loads what a snapshot asks for; false when that runs already, but for what is left out. */
  async function load(
    snapshot: Snapshot,
    reasons: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { restart_interval: interval, restart_jitter: jitter } = config;
    const isNews = ({ shape }: Layout) =>
      shape !== running?.shape || [...reasons.keys()].some((what) => what !== 'shape');
    const isRevival = !running && lastPid === undefined;
    const parts = { equipment, desire, quarantine, syncs, log, isNews, isRevival };
    nextReload = Date.now() + interval * (1 + jitter * Math.random());
    if (!running) restarts.started();
    try {
      const loaded = await reload(snapshot, written, parts, signal);
      pending = new Map();
      if (!loaded) return false;
      written = loaded.file;
      layout = loaded.layout;
      meters.reloads.inc({ result: 'ok' });
    } catch (error) {
      meters.reloads.inc({ result: 'failed' });
      throw error;
    }
    running = runtime
      ? await runningAt(runtime, signal)
      : { pid: 0, version: '', shape: layout.shape };
    lastPid = running.pid;
    backends = new Set(layout.parts.map(({ stanza }) => stanza.backendName));
    quarantine.loaded(layout.parts);
    isFileOld = false;
    desired = desire.of(snapshot);
    inStep = new Map();
    for (const sync of syncs) sync.loaded(written, true);
    return true;
  }

  const textNow = (of: Layout) => fileWith(of, desired, { sync: syncs[0], written, maxId }).text;

  async function flush(): Promise<void> {
    if (paths.config === undefined || !layout || !isFileOld) return;
    const text = textNow(layout);
    isFileOld = false;
    if (text === written?.text) return;
    await writeFileAtomic(paths.config, text);
    written = readWritten(text);
  }

  return {
    step,
    flush,
    doubt: () => {
      running = undefined;
      inStep = new Map();
    },
    died: () => {
      running = undefined;
      lastPid = undefined;
    },
    status: () =>
      statusOf({
        config,
        running,
        desired,
        syncs,
        quarantine: quarantine.list(),
        pending,
        nextReload,
        capabilities: settings.capabilities,
      }),
  };
}
