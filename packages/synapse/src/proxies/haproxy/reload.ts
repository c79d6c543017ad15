import { writeFile } from 'node:fs/promises';

import { type Log, messageOf, writeFileAtomic } from '@smartstack/daemon';
import type { Snapshot } from '../../service.ts';
import { bindsOf } from './binds.ts';
import type { Desire, Desired } from './desire.ts';
import type { Equipment } from './equipment.ts';
import { type JudgeOptions, judge, placesOf } from './judge.ts';
import { type File, type Layout, layoutOf } from './layout.ts';
import { fileWith } from './members.ts';
import type { Quarantine } from './quarantine.ts';
import type { Sync } from './sync.ts';
import { readWritten, type WrittenFile } from './written.ts';

/** What runs after a file was loaded. */
export interface Loaded {
  readonly layout: Layout;
  readonly file: WrittenFile;
}

export interface ReloadOptions {
  readonly equipment: Equipment;
  readonly desire: Desire;
  readonly quarantine: Quarantine;
  readonly syncs: readonly Sync[];
  readonly log: Log;
  /** Whether it died: what was judged before then serves again at once. */
  readonly isRevival: boolean;
  /** Whether an accepted layout is worth a reload: what runs may be just that. */
  isNews(layout: Layout): boolean;
}

/**
 * Makes HAProxy run the shape that a snapshot asks for: what is refused goes into quarantine until
 * the rest is valid, then the file is replaced and loaded. When it does not take, the file before is
 * put back and the error thrown. Undefined when what is accepted runs already.
 */
export async function reload(
  snapshot: Snapshot,
  before: WrittenFile | undefined,
  options: ReloadOptions,
  signal: AbortSignal,
): Promise<Loaded | undefined> {
  const { equipment, quarantine, syncs, log } = options;
  const { layout, file } = await acceptable(snapshot, before, options, signal);
  if (!options.isNews(layout)) return undefined;
  const path = equipment.paths.config;
  if (path === undefined) throw new Error('cannot load a new file: do_writes is false');
  await keepStates(equipment, syncs, signal);
  await writeFileAtomic(path, file.text);
  try {
    await equipment.loader.load(layout.shape, signal);
  } catch (error) {
    if (before) await writeFileAtomic(path, before.text);
    blame(error, layout, quarantine);
    throw error;
  }
  log.info({ shape: layout.shape, services: layout.parts.length }, 'haproxy runs a new file');
  return { layout, file: readWritten(file.text) };
}

/** A worker that could not listen says for whom: the next try leaves that out. */
function blame(error: unknown, layout: Layout, quarantine: Quarantine): void {
  for (const [, name] of messageOf(error).matchAll(/Starting (?:frontend|proxy) (\S+?):? /g)) {
    const { owner } = layout.sections.find(({ title }) => title.split(' ')[1] === name) ?? {};
    const part = layout.parts.find(({ service }) => service === owner);
    if (owner !== undefined)
      quarantine.add(owner, part?.config, {
        reason: messageOf(error),
        bind: bindsOf(layout.sections).find((bind) => bind.section.owner === owner),
      });
  }
}

interface Acceptable {
  readonly layout: Layout;
  readonly file: File;
}

/** The largest part of what a snapshot asks for that HAProxy accepts. */
async function acceptable(
  snapshot: Snapshot,
  before: WrittenFile | undefined,
  { equipment, desire, quarantine, syncs, log, isRevival }: ReloadOptions,
  signal: AbortSignal,
): Promise<Acceptable> {
  const { settings, paths, check } = equipment;
  const judging: JudgeOptions = {
    candidate: paths.candidate ?? '',
    check,
    held: placesOf(before?.sections ?? []),
  };
  for (let tries = 0; ; tries++) {
    const desired = desire.of(snapshot);
    const layout = layoutOf(partsOf(desired), settings, quarantine.leftOut);
    const members = { sync: syncs[0], written: before, maxId: settings.config.max_server_id };
    const file = fileWith(layout, desired, members);
    const isJudged = isRevival && layout.shape === before?.shape;
    const objections = isJudged ? [] : await judge(layout, file, judging, signal);
    if (objections.length === 0) return { layout, file };
    if (tries > snapshot.size + 10) throw new Error('cannot make a file that HAProxy accepts');
    for (const { owner, reason, bind } of objections) {
      const origin = snapshot.get(owner)?.origin;
      const where = origin === undefined ? reason : `${origin}: ${reason}`;
      quarantine.add(owner, desired.get(owner)?.part.config, { reason: where, bind });
      log.error({ service: owner, origin, reason }, 'left out of haproxy');
    }
  }
}

export function partsOf(desired: ReadonlyMap<string, Desired>): Layout['parts'] {
  return [...desired.values()].map(({ part }) => part);
}

/** Hands DOWN, weights and maintenance over to the worker that comes. */
async function keepStates(
  { managed, runtimes }: Equipment,
  syncs: readonly Sync[],
  signal: AbortSignal,
): Promise<void> {
  const [runtime] = runtimes;
  if (!managed || !runtime || syncs.length === 0) return;
  const states = await runtime.ask(['show servers state'], signal).catch((error: unknown) => {
    return [`1\n# not kept: ${messageOf(error)}\n`];
  });
  await writeFile(managed.serversState, `${states[0] ?? '1'}\n`, { mode: 0o600 });
}
