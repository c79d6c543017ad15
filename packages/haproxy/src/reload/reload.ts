import { writeFile } from 'node:fs/promises';

import { type Log, messageOf, writeFileAtomic } from '@smartstack/daemon';
import type { Quarantine, Snapshot } from '@smartstack/proxy';
import { Ended } from '@smartstack/proxy';
import type { HaproxyService } from '../config/config.ts';
import type { Desired, DesiredState } from '../desired/desired.ts';
import { type Environment, makeFolders } from '../process/environment.ts';
import { descriptorProblem } from '../process/machine.ts';
import { type File, type Layout, layoutOf } from '../render/layout.ts';
import { readWritten, type WrittenFile } from '../render/written.ts';
import type { LiveValues } from '../runtime/live-values.ts';
import { type Before, readBefore, restoreMaintenance } from '../runtime/maintenance.ts';
import { parseServersState } from '../runtime/server-state.ts';
import type { Sync } from '../runtime/sync.ts';
import { bindsOf } from './binds.ts';
import { clashes, judge, placesOf } from './judge.ts';
import { fileWith } from './members.ts';

/** What HAProxy accepts of a snapshot; `file` is what it loaded, undefined when it ran that already. */
export interface Reloaded {
  readonly layout: Layout;
  readonly file: WrittenFile | undefined;
}

export interface ReloadOptions {
  readonly environment: Environment;
  readonly desire: DesiredState;
  readonly quarantine: Quarantine<HaproxyService>;
  readonly syncs: readonly Sync[];
  readonly values: LiveValues;
  readonly log: Log;
  /** The file that is there, read as one of synapse's. */
  readonly written: WrittenFile | undefined;
  /** The worker that runs, if one does. */
  readonly pid: number | undefined;
  /** Whether no HAProxy runs: what ran before serves again at once. */
  readonly isRevival: boolean;
  /** What is asked for by now: members may change while a file is judged. */
  newest(): ReadonlyMap<string, Desired>;
  /** Whether an accepted layout is worth a reload: what runs may be just that. */
  isNews(layout: Layout): boolean;
}

/**
 * How far a file is believed before HAProxy runs it: not at all, where it is the one that ran before, or
 * wholly.
 */
type Trust = 'none' | 'known' | 'whole';

/**
 * Makes HAProxy run what a snapshot asks for: what is refused goes into quarantine until the rest is
 * valid, then the file is replaced and loaded. When it does not take, the file before is put back,
 * and started where nothing runs, and the error thrown.
 */
export async function reload(
  snapshot: Snapshot,
  options: ReloadOptions,
  signal: AbortSignal,
): Promise<Reloaded> {
  const { environment, isRevival } = options;
  await makeFolders(environment);
  if (!isRevival || !(await startsItself(environment, signal)))
    return attempt(snapshot, options, isRevival ? 'known' : 'none', signal);
  // A start that HAProxy refuses takes nothing from anybody, and to ask first takes half as long again.
  return await attempt(snapshot, options, 'whole', signal).catch((error: unknown) => {
    signal.throwIfAborted();
    if (!isRefusal(error)) throw error;
    return attempt(snapshot, options, 'none', signal);
  });
}

/** Whether to load a file is to start a HAProxy: one that lives and does not answer would be reloaded. */
async function startsItself(
  { managed, settings, loader }: Environment,
  signal: AbortSignal,
): Promise<boolean> {
  if (!managed || settings.config.supervised) return false;
  return !(await loader.lives(signal));
}

async function attempt(
  snapshot: Snapshot,
  options: ReloadOptions,
  trust: Trust,
  signal: AbortSignal,
): Promise<Reloaded> {
  const accepted = await acceptable(snapshot, options, trust, signal);
  const { layout } = accepted;
  if (!options.isNews(layout)) return { layout, file: undefined };
  const { environment, syncs, log } = options;
  const { settings } = environment;
  if (environment.managed) await refuseTooLarge(accepted.file);
  const [runtime] = environment.runtimes;
  const before = options.isRevival
    ? undefined
    : runtime && (await readBefore(runtime, signal).catch(() => undefined));
  const isLeaving = (backend: string, server: string) =>
    syncs[0]?.memoryOf(backend)?.leaving.has(server) ?? false;
  await handOver(environment, before, isLeaving);
  const file = await upToDate(accepted, options);
  await swap(layout, file, options, trust, signal);
  if (runtime && before) {
    const [now = ''] = await runtime.ask(['show servers state'], signal);
    const commands = restoreMaintenance(before.states, parseServersState(now), isLeaving);
    await runtime.ask(commands, signal);
  }
  const isLoaded = environment.managed !== undefined || settings.config.do_reloads;
  log.info(
    { shape: layout.shape, services: layout.parts.length },
    isLoaded
      ? 'haproxy runs a new file'
      : 'the file is written; it is loaded by whoever runs haproxy',
  );
  return { layout, file: readWritten(file.pieces) };
}

/** What HAProxy accepts, and how that came about. */
interface Accepted {
  readonly layout: Layout;
  readonly file: File;
  readonly desired: ReadonlyMap<string, Desired>;
}

/** The file that was accepted, with members that changed since then; they cannot make it invalid. */
async function upToDate(
  { layout, file, desired }: Accepted,
  options: ReloadOptions,
): Promise<File> {
  const now = options.newest();
  const newer = [...desired].flatMap(([name, { part, servers }]) => {
    const one = now.get(name);
    return one && one.part === part && one.servers !== servers ? [[name, one] as const] : [];
  });
  if (newer.length === 0) return file;
  return fileWith(layout, new Map([...desired, ...newer]), membersOptions(options));
}

const membersOptions = ({ environment, syncs, written }: ReloadOptions) => ({
  sync: syncs[0],
  written,
  maxId: environment.settings.config.max_server_id,
});

/** Replaces the file and loads it, or puts everything back. */
async function swap(
  layout: Layout,
  file: File,
  { environment, quarantine, written }: ReloadOptions,
  trust: Trust,
  signal: AbortSignal,
): Promise<void> {
  const { loader, paths } = environment;
  if (paths.config === undefined) throw new Error('cannot load a new file: do_writes is false');
  await writeFileAtomic(paths.config, file.pieces);
  try {
    await loader.load(layout.shape, signal);
  } catch (error) {
    // Ended in the middle: nobody knows what HAProxy will run; the next synapse asks it.
    signal.throwIfAborted();
    if (written) await writeFileAtomic(paths.config, written.pieces);
    // Why will be found out before the next try, and said in better words than HAProxy's.
    if (trust === 'whole' && isRefusal(error)) throw error;
    blame(error, layout, quarantine);
    if (written?.shape !== undefined && written.shape !== layout.shape)
      if (!(await loader.lives(signal)))
        await loader.load(written.shape, signal).catch(() => undefined);
    throw error;
  }
}

/** Whether HAProxy ended by itself in place of running a file. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Ended;
}

/** A worker that could not listen says for whom: the next try leaves that out. */
function blame(error: unknown, layout: Layout, quarantine: Quarantine<HaproxyService>): void {
  for (const [, name] of messageOf(error).matchAll(/Starting (?:frontend|proxy) (\S+?):? /g)) {
    const { owner } = layout.sections.find(({ title }) => title.split(' ')[1] === name) ?? {};
    if (owner === undefined) continue;
    quarantine.add(owner, layout.partOf.get(owner)?.config, {
      reason: messageOf(error),
      bind: bindsOf(layout.sections).find((bind) => bind.section.owner === owner),
    });
  }
}

/** The largest part of what a snapshot asks for that HAProxy accepts. */
async function acceptable(
  snapshot: Snapshot,
  options: ReloadOptions,
  trust: Trust,
  signal: AbortSignal,
): Promise<Accepted> {
  const { environment, desire, quarantine, values, log, written, pid } = options;
  const { settings, paths, check } = environment;
  const held = placesOf(written?.sections ?? []);
  for (let tries = 0; tries < snapshot.size + 10; tries++) {
    const desired = await desire.of(snapshot);
    const layout = layoutOf(partsOf(desired), settings, quarantine.leftOut);
    const file = await fileWith(layout, desired, membersOptions(options));
    await values.write(layout.parts);
    if (trust !== 'none' && layout.shape === written?.shape) return { layout, file, desired };
    const judging = { candidate: paths.candidate, check, held, pid };
    const objections =
      trust === 'whole' ? clashes(layout) : await judge(layout, file, judging, signal);
    if (objections.length === 0) return { layout, file, desired };
    for (const { owner, reason, bind } of objections) {
      const origin = snapshot.get(owner)?.origin;
      const where = origin === undefined ? reason : `${origin}: ${reason}`;
      quarantine.add(owner, desired.get(owner)?.part.config, { reason: where, bind });
      const fix = bind
        ? 'free that port, or choose another'
        : 'fix these lines; all other services are served';
      log.error({ service: owner, origin, reason, fix }, 'left out of haproxy');
    }
  }
  throw new Error('cannot make a file that HAProxy accepts');
}

export function partsOf(desired: ReadonlyMap<string, Desired>): Layout['parts'] {
  return [...desired.values()].map(({ part }) => part);
}

async function refuseTooLarge(file: File): Promise<void> {
  const problem = await descriptorProblem(file.text);
  if (problem !== undefined) throw new Error(`cannot load a new file: ${problem}`);
}

/** Gives DOWN, weights and maintenance to the worker that comes, but not what synapse itself took out. */
async function handOver(
  { managed }: Environment,
  before: Before | undefined,
  isLeaving: (backend: string, server: string) => boolean,
): Promise<void> {
  if (!managed) return;
  const lines = before?.text.split('\n').filter((line) => {
    const [, backend = '', , server = ''] = line.split(' ');
    return !isLeaving(backend, server);
  });
  await writeFile(managed.serversState, `${(lines ?? ['1']).join('\n')}\n`, { mode: 0o600 });
}
