import { writeFile } from 'node:fs/promises';

import { messageOf, writeFileAtomic } from '@smartstack/daemon';
import type { Quarantine, Snapshot } from '@smartstack/proxy';
import { Ended } from '@smartstack/proxy';
import type { HaproxyService } from '../config/config.ts';
import { type Environment, makeFolders } from '../process/environment.ts';
import { descriptorProblem } from '../process/machine.ts';
import type { File } from '../render/file.ts';
import type { Layout } from '../render/layout.ts';
import { readWritten, type WrittenFile } from '../render/written.ts';
import { type Before, readBefore, restoreMaintenance } from '../runtime/maintenance.ts';
import type { Sync } from '../runtime/sync.ts';
import { type Accepted, type AcceptOptions, acceptable, upToDate } from './accepted.ts';
import { bindsOf } from './binds.ts';

/** What HAProxy accepts of a snapshot; `file` is what it loaded, undefined when it ran that already. */
export interface Reloaded {
  readonly layout: Layout;
  readonly file: WrittenFile | undefined;
}

export interface ReloadOptions extends Omit<AcceptOptions, 'trust'> {
  /** Whether no HAProxy runs: then the file that ran before is started again without a check. */
  readonly isRevival: boolean;
  /** Whether an accepted layout is worth a reload: it may be the one that runs. */
  isNews(layout: Layout): boolean;
}

/** The options of one attempt, which says how far the file is trusted. */
type AttemptOptions = ReloadOptions & AcceptOptions;

/**
 * Makes HAProxy run what a snapshot asks for: what is refused goes into quarantine until the rest is
 * valid, then the file is replaced and loaded. When that fails, the file before is put back, and started
 * where nothing runs, and the error is thrown.
 */
export async function reload(
  snapshot: Snapshot,
  options: ReloadOptions,
  signal: AbortSignal,
): Promise<Reloaded> {
  const { environment, isRevival } = options;
  await makeFolders(environment);
  if (!isRevival || !(await startsItself(environment, signal)))
    return attempt(snapshot, { ...options, trust: isRevival ? 'known' : 'none' }, signal);
  // Where nothing runs a refused start costs nothing, and a check first would take half as long again.
  const trusting = attempt(snapshot, { ...options, trust: 'whole' }, signal);
  return await trusting.catch((error: unknown) => {
    signal.throwIfAborted();
    if (!isRefusal(error)) throw error;
    return attempt(snapshot, { ...options, trust: 'none' }, signal);
  });
}

/** Whether loading a file starts a HAProxy: one that lives and does not answer would be reloaded. */
async function startsItself(
  { managed, settings, loader }: Environment,
  signal: AbortSignal,
): Promise<boolean> {
  if (!managed || settings.config.supervised) return false;
  return !(await loader.lives(signal));
}

async function attempt(
  snapshot: Snapshot,
  options: AttemptOptions,
  signal: AbortSignal,
): Promise<Reloaded> {
  const accepted = await acceptable(snapshot, options, signal);
  const { layout } = accepted;
  if (!options.isNews(layout)) return { layout, file: undefined };
  const { environment, syncs, log } = options;
  if (environment.managed) await refuseTooLarge(accepted.file);
  const [runtime] = environment.runtimes;
  const before = await statesBefore(options, signal);
  const isLeaving = isLeavingIn(syncs[0]);
  await handOver(environment, before, isLeaving);
  const file = await upToDate(accepted, options);
  await swap({ layout, file }, options, signal);
  if (runtime && before) await restoreMaintenance(runtime, { before, isLeaving }, signal);
  const isLoaded = environment.managed !== undefined || environment.settings.config.do_reloads;
  log.info(
    { shape: layout.shape, services: layout.parts.length },
    isLoaded ? newFileRuns : fileIsWritten,
  );
  return { layout, file: readWritten(file.pieces) };
}

/** The servers' states before a reload; undefined where no HAProxy says them. */
async function statesBefore(
  { environment, isRevival }: ReloadOptions,
  signal: AbortSignal,
): Promise<Before | undefined> {
  const [runtime] = environment.runtimes;
  if (!runtime || isRevival) return undefined;
  return readBefore(runtime, signal).catch(() => undefined);
}

const isLeavingIn =
  (sync: Sync | undefined) =>
  (backend: string, server: string): boolean =>
    sync?.memoryOf(backend)?.leaving.has(server) ?? false;

const newFileRuns = 'haproxy runs a new file';
const fileIsWritten = 'the file is written; it is loaded by whoever runs haproxy';

/** Replaces the file and loads it, or puts everything back. */
async function swap(
  { layout, file }: Pick<Accepted, 'layout' | 'file'>,
  { environment, quarantine, written, trust }: AttemptOptions,
  signal: AbortSignal,
): Promise<void> {
  const { loader, paths } = environment;
  if (paths.config === undefined) throw new Error('cannot load a new file: do_writes is false');
  await writeFileAtomic(paths.config, file.pieces);
  try {
    await loader.load(layout.shape, signal);
  } catch (error) {
    // Ended in the middle: what HAProxy will run is not known; the next synapse asks it.
    signal.throwIfAborted();
    if (written) await writeFileAtomic(paths.config, written.pieces);
    // The next try checks the file first, which gives a better reason than a failed start.
    if (trust === 'whole' && isRefusal(error)) throw error;
    blame(error, layout, quarantine);
    if (written?.shape !== undefined && written.shape !== layout.shape)
      if (!(await loader.lives(signal)))
        await loader.load(written.shape, signal).catch(() => undefined);
    throw error;
  }
}

/** Whether HAProxy exited by itself instead of running the file. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Ended;
}

/** A worker that cannot listen names the frontend: the next try leaves that out. */
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

async function refuseTooLarge(file: File): Promise<void> {
  const problem = await descriptorProblem(file.text);
  if (problem !== undefined) throw new Error(`cannot load a new file: ${problem}`);
}

/** Hands the servers' states (DOWN, weights, maintenance) to the next worker, but for servers that synapse took out. */
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
