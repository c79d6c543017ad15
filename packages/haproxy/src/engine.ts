import { isDeepStrictEqual } from 'node:util';

import { type Log, messageOf } from '@smartstack/daemon';
import type { Applied, Due, Pace, Snapshot } from '@smartstack/proxy';
import { createQuarantine, createReloading, type Refused } from '@smartstack/proxy';
import { type HaproxyConfig, isManaged } from './config/config.ts';
import { createDesire, type Desired } from './desired/desired.ts';
import type { Hosts } from './desired/hosts.ts';
import { noticesTo } from './desired/notices.ts';
import { createUnresolved } from './desired/unresolved.ts';
import type { Equipment } from './process/equipment.ts';
import { createPresence } from './process/presence.ts';
import { stuckOf } from './reload/blocked.ts';
import { createKeeper } from './reload/keeper.ts';
import type { Remembered } from './reload/memory-file.ts';
import { type Reasons, reloadReasons } from './reload/reasons.ts';
import { partsOf, type Reloaded, reload } from './reload/reload.ts';
import { createWants } from './reload/wants.ts';
import { createLayouts, type Layout } from './render/layout.ts';
import { readWritten } from './render/written.ts';
import { createMembership } from './runtime/membership.ts';
import { isGone } from './runtime/runtime.ts';
import { createSight } from './runtime/sight.ts';
import { createSync, type Synced } from './runtime/sync.ts';
import type { Meters } from './status/metrics.ts';
import { statusOf } from './status/status.ts';

export interface EngineOptions {
  readonly config: HaproxyConfig;
  readonly equipment: Equipment;
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
  doubt(): void;
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

const none: Synced = { steps: 0, reload: new Map(), unfinished: [] };

/** How long a step waits for a reload, in milliseconds; a slower one is finished by a later step. */
const patience = 500;
const soon = 200;

export function createEngine(options: EngineOptions): Engine {
  const { config, equipment, remembered, hosts, due, pace, meters, log } = options;
  const { settings, runtimes, loader, paths } = equipment;
  const [runtime] = runtimes;
  const maxId = config.max_server_id;
  const quarantine = createQuarantine(remembered.good);
  const layouts = createLayouts(settings);
  const parkTime = paths.memory === undefined ? undefined : config.state_file_ttl;
  const syncs = runtimes.map((one) => createSync(one, { maxId, parkTime, log }));
  const membership = createMembership({ syncs, due, drainTimeout: config.drain_timeout });
  const keeper = createKeeper({ ...equipment, sync: syncs[0], maxId, due, log });
  const desire = createDesire({
    settings,
    hosts,
    choose: quarantine.choose,
    choices: quarantine.choices,
    addressOf: (server) => keeper.written?.servers.get(server)?.host,
    ...noticesTo(log),
  });
  const sayUnresolved = createUnresolved(meters, log);
  const presence = createPresence(equipment, log);
  const sight = createSight(runtime);
  /** The layout of the file on disk, where that is known. */
  let layout: Layout | undefined;
  let desired: ReadonlyMap<string, Desired> = new Map();
  let pending: Reasons = new Map();
  const wants = createWants();
  /** Why services are not as desired, where neither a command nor a reload helps now. */
  let stuck: Reasons = new Map();
  /** Why the last reload did not take; undefined once one did. */
  let refusal: string | undefined;
  const reloading = createReloading<Reloaded>(() => due.at('loaded', performance.now()));
  due.at('audit', performance.now() + config.audit_interval);

  async function step(
    snapshot: Snapshot,
    now: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Applied> {
    const ended = reloading.take();
    const isLoaded = ended?.loaded !== undefined && (await adapt(ended.loaded, signal));
    if (now.has('hosts')) desire.refresh();
    desired = await desire.resolved(snapshot, signal);
    sayUnresolved(desired);
    if (reloading.isUnderWay) return appliedBy(await syncMeanwhile(now, signal));
    if (now.has('audit')) await audit(signal);
    if (!presence.running) await adopt(signal);
    const synced = presence.running ? await syncLiving(signal) : none;
    if (ended?.error) throw ended.error;
    const reasons = await reasonsNow();
    if (!presence.running && !(await loader.lives(signal))) {
      presence.dead();
      pace.dead();
    }
    if (now.has('file')) await flush();
    pending = reasons;
    if (reasons.size > 0 && performance.now() >= pace.next) {
      if (await load(snapshot, signal)) return 'reloaded';
    } else {
      if (reasons.size > 0) due.at('reload', pace.next);
      if (!presence.running && runtime) throw new Error(absence());
    }
    return isLoaded ? 'reloaded' : appliedBy(synced);
  }

  const appliedBy = ({ steps }: Synced): Applied => (steps > 0 ? 'updated' : 'unchanged');

  /** Members go on while a file is loaded; which worker answers is not sure, and all is looked at again after it. */
  async function syncMeanwhile(now: ReadonlySet<string>, signal: AbortSignal): Promise<Synced> {
    for (const name of now) due.at(name, performance.now() + soon);
    if (!presence.running) return none;
    return syncMembers(signal).catch(() => {
      signal.throwIfAborted();
      due.at('meanwhile', performance.now() + soon);
      return none;
    });
  }

  /** Why nobody answers, and who is to see to it. */
  function absence(): string {
    if (isManaged(config) && !config.supervised)
      return 'haproxy does not run; it is started again soon';
    const where = paths.sockets[0] ?? 'any socket';
    return `haproxy does not answer at ${where}: see that whoever runs it starts it`;
  }

  async function reasonsNow(): Promise<Reasons> {
    const wanted = layouts(partsOf(desired), quarantine.leftOut);
    if (presence.running?.shape === wanted.shape) layout ??= wanted;
    if (layout === wanted && keeper.written?.shape !== wanted.shape) keeper.touch();
    const asked = desiredOnly(wants.due());
    const cannot = cannotReload();
    const before = stuck;
    stuck = stuckOf({
      desired,
      waiting: desiredOnly(wants.waiting()),
      asked,
      cannot,
      backends: paths.config === undefined && presence.running ? presence.backends : undefined,
    });
    if (wants.next < Infinity) due.at('reload', wants.next);
    // Whoever reloads it is to find what is desired.
    if (!isDeepStrictEqual(before, stuck)) keeper.touch();
    if (cannot !== undefined) asked.clear();
    if (paths.config === undefined) return new Map();
    const isBehind = !runtime && layout !== undefined && (await keeper.differs(layout, desired));
    return reloadReasons({ running: presence.running, wanted, asked, isBehind });
  }

  const desiredOnly = (reasons: Reasons) =>
    new Map([...reasons].filter(([service]) => desired.has(service)));

  /** Why synapse cannot have a file loaded; undefined where it can. */
  function cannotReload(): string | undefined {
    if (paths.config === undefined) return 'a reload would do it, but do_writes is false';
    if (isManaged(config) || config.do_reloads) return undefined;
    return 'a reload would do it, but do_reloads is false: reload HAProxy yourself';
  }

  /** Asks what there is, as if it were not known, and looks at what is otherwise than it was left. */
  async function audit(signal: AbortSignal): Promise<void> {
    due.at('audit', performance.now() + config.audit_interval);
    presence.doubt();
    // One that does not answer is found out about where it is looked for.
    await membership.audit(signal).catch(() => membership.doubt());
    await quarantine.release(signal);
    await keeper.look();
  }

  /** A HAProxy that this process did not start or reload is taken over as it is. */
  async function adopt(signal: AbortSignal): Promise<void> {
    if (!(await presence.look(signal))) return;
    const isSame = presence.running?.pid === remembered.pid;
    membership.adopted(keeper.written ?? readWritten(''), isSame ? remembered.leaving : {});
    // Who told it last may have died before writing that down.
    keeper.touch(0);
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
    const now = { desired, desire, layout, backends: presence.backends };
    const synced = await membership.sync(now, signal);
    meters.steps.inc(synced.steps);
    wants.compared(synced.compared, synced.reload);
    if (synced.steps > 0) {
      keeper.touch();
      sight.changed();
    }
    return synced;
  }

  /**
   * Loads what a snapshot asks for; false when that runs already, but for what is left out, and when
   * it takes so long that a later step is to see its end.
   */
  async function load(snapshot: Snapshot, signal: AbortSignal): Promise<boolean> {
    const before = presence.running;
    const asked = [...pending.keys()];
    const isNews = ({ shape }: Layout) =>
      shape !== before?.shape || asked.some((what) => what !== 'shape');
    const isRevival = !before && presence.lastPid === undefined;
    pace.trying(isRevival);
    const state = { written: keeper.written, pid: before?.pid, isNews, isRevival };
    const parts = { equipment, desire, quarantine, syncs, log, newest: () => desired, ...state };
    reloading.begin(() => reload(snapshot, parts, signal).catch(refused));
    // Where none runs there is nothing else to bring in step.
    await reloading.settled(before ? patience : undefined);
    const ended = reloading.take();
    if (ended?.error) throw ended.error;
    if (!ended || !(await adapt(ended.loaded, signal))) return false;
    desired = await desire.resolved(snapshot, signal);
    await syncMembers(signal);
    return true;
  }

  function refused(error: unknown): never {
    refusal = messageOf(error);
    meters.reloads.inc({ result: 'failed' });
    throw error;
  }

  /** Takes note of what was loaded; false when nothing was. */
  async function adapt(loaded: Reloaded, signal: AbortSignal): Promise<boolean> {
    layout = loaded.layout;
    pending = new Map();
    wants.loaded();
    refusal = undefined;
    pace.succeeded();
    if (!loaded.file) return false;
    keeper.replaced(loaded.file);
    keeper.touch();
    sight.changed();
    meters.reloads.inc({ result: 'ok' });
    quarantine.loaded(layout.parts);
    const backends = new Set(layout.parts.map(({ stanza }) => stanza.backendName));
    await presence.loaded(layout.shape, backends, signal);
    membership.loaded(loaded.file);
    return true;
  }

  const flush = () =>
    keeper.flush({ layout, desired, pid: presence.lastPid, good: quarantine.good });

  async function close(): Promise<void> {
    await reloading.settled();
    const loaded = reloading.take()?.loaded;
    if (loaded?.file) {
      layout = loaded.layout;
      keeper.replaced(loaded.file);
      keeper.touch();
    }
    await flush();
  }

  function measure(): void {
    meters.quarantined.set(quarantine.list().length);
    meters.up.set(presence.running ? 1 : 0);
    meters.notInStep.set(stuck.size);
  }

  function doubt(): void {
    presence.doubt();
    membership.doubt();
  }

  return {
    prepare: async (snapshot) => {
      await desire.of(snapshot);
    },
    step: (...input) => step(...input).finally(measure),
    close,
    doubt,
    get isOutdated() {
      const { version = '' } = presence.running ?? {};
      return version !== '' && version !== settings.capabilities.version;
    },
    refused: quarantine.list,
    backends: () =>
      new Map([...desired].map(([name, { part }]) => [name, part.stanza.backendName])),
    refresh: sight.refresh,
    status: () =>
      statusOf({
        seen: sight.latest(),
        hasSocket: runtime !== undefined,
        config,
        running: presence.running,
        desired,
        syncs,
        quarantine: quarantine.list(),
        fileTrouble: keeper.trouble,
        pending,
        refusal,
        stuck,
        isReloading: reloading.isUnderWay,
        nextReload: pace.next,
        capabilities: settings.capabilities,
      }),
  };
}
