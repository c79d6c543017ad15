import type { Log } from '@smartstack/daemon';
import type { Quarantine, Snapshot } from '@smartstack/proxy';
import type { HaproxyService } from '../config/config.ts';
import type { Desired, DesiredState } from '../desired/desired.ts';
import type { Environment } from '../process/environment.ts';
import type { File } from '../render/file.ts';
import { isSharedName } from '../render/frontend-names.ts';
import { type Layout, layoutOf } from '../render/layout.ts';
import type { WrittenFile } from '../render/written.ts';
import type { LiveValues } from '../runtime/live-values.ts';
import type { Sync } from '../runtime/sync.ts';
import { clashes, judge, type Objection, placesOf } from './judge.ts';
import { fileWith } from './members.ts';

/** A layout that HAProxy accepts, with its file and the desired state that it was made from. */
export interface Accepted {
  readonly layout: Layout;
  readonly file: File;
  readonly desired: ReadonlyMap<string, Desired>;
}

/**
 * How far a file is trusted before HAProxy runs it: not at all, if it has the shape of the one that ran
 * before, or wholly.
 */
export type Trust = 'none' | 'known' | 'whole';

export interface AcceptOptions {
  readonly environment: Environment;
  readonly desire: DesiredState;
  readonly quarantine: Quarantine<HaproxyService>;
  readonly syncs: readonly Sync[];
  readonly values: LiveValues;
  readonly log: Log;
  /** The file on disk, read as one of synapse's. */
  readonly written: WrittenFile | undefined;
  /** The worker that runs, if one does. */
  readonly pid: number | undefined;
  readonly trust: Trust;
  /** What is desired by now: members may change while a file is judged. */
  newest(): ReadonlyMap<string, Desired>;
}

/** The largest part of what a snapshot asks for that HAProxy accepts. */
export async function acceptable(
  snapshot: Snapshot,
  options: AcceptOptions,
  signal: AbortSignal,
): Promise<Accepted> {
  const { environment, desire, quarantine, values, written, pid, trust } = options;
  const { settings, paths, check } = environment;
  const held = placesOf(written?.sections ?? []);
  for (let tries = 0; tries < snapshot.size + 10; tries++) {
    const desired = await desire.of(snapshot);
    const layout = layoutOf(partsOf(desired), settings, quarantine.leftOut);
    const file = await fileWith(layout, desired, membersOptions(options));
    await values.write(layout.parts);
    if (trust !== 'none' && layout.shape === written?.shape) return { layout, file, desired };
    const judging = { candidate: paths.candidate, check, held, pid, shared: sharedIn(snapshot) };
    const objections =
      trust === 'whole' ? clashes(layout) : await judge(layout, file, judging, signal);
    if (objections.length === 0) return { layout, file, desired };
    const { frontends } = settings;
    // HAProxy was replaced by one of 3.3 or newer: no service is to blame.
    if (frontends?.areSeparate === false && objections.some(({ reason }) => isSharedName(reason)))
      frontends.separate();
    else for (const objection of objections) leaveOut(objection, desired, options);
  }
  throw new Error('cannot make a file that HAProxy accepts');
}

/** The services whose addresses another proxy of this machine is to let go of. */
const sharedIn = (snapshot: Snapshot): ReadonlySet<string> =>
  new Set([...snapshot.values()].flatMap(({ name, takenFrom }) => (takenFrom ? name : [])));

/** Puts the owner that an objection is about into quarantine. */
function leaveOut(
  { owner, reason, bind }: Objection,
  desired: ReadonlyMap<string, Desired>,
  { quarantine, log }: AcceptOptions,
): void {
  const { part, service } = desired.get(owner) ?? {};
  const origin = service?.origin;
  const where = origin === undefined ? reason : `${origin}: ${reason}`;
  quarantine.add(owner, part?.config, { reason: where, bind });
  const fix = bind
    ? 'free that port, or choose another'
    : 'fix these lines; all other services are served';
  log.error({ service: owner, origin, reason, fix }, 'left out of haproxy');
}

/** The services' parts of the file, in their order. */
export function partsOf(desired: ReadonlyMap<string, Desired>): Layout['parts'] {
  return [...desired.values()].map(({ part }) => part);
}

/** The file that was accepted, with members that changed since then; they cannot make it invalid. */
export async function upToDate(
  { layout, file, desired }: Accepted,
  options: AcceptOptions,
): Promise<File> {
  const now = options.newest();
  const newer = [...desired].flatMap(([name, { part, servers }]) => {
    const one = now.get(name);
    return one && one.part === part && one.servers !== servers ? [[name, one] as const] : [];
  });
  if (newer.length === 0) return file;
  return fileWith(layout, new Map([...desired, ...newer]), membersOptions(options));
}

const membersOptions = ({ environment, syncs, written }: AcceptOptions) => ({
  sync: syncs[0],
  written,
  maxId: environment.settings.config.max_server_id,
});
