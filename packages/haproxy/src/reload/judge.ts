import { createTimeSlice, writeFileAtomic } from '@smartstack/daemon';
import { listensOn, probe } from '@smartstack/proxy';
import type { File } from '../render/file.ts';
import type { Layout, Section } from '../render/layout.ts';
import { type Bind, bindsOf, collide, placeOf } from './binds.ts';
import { type CheckOptions, checkFile, type Finding } from './check.ts';

/** Something that must be left out before the rest can be loaded. */
export interface Objection {
  readonly owner: string;
  readonly reason: string;
  /** The address that another process holds, if that is the reason. */
  readonly bind?: Bind;
}

/** A fault that no service causes by itself: no file can be loaded. */
export class WholeFileError extends Error {
  override readonly name = 'WholeFileError';
}

export interface JudgeOptions {
  /** Where a file is put to be checked; undefined when synapse writes none. */
  readonly candidate: string | undefined;
  readonly check: CheckOptions | undefined;
  /** Places that the running HAProxy listens at already, by its file. */
  readonly held: ReadonlySet<string>;
  /** Owners whose addresses another proxy holds that shares them. */
  readonly shared?: ReadonlySet<string>;
  /** The worker that runs: ports that it holds itself are free for the new one. */
  readonly pid: number | undefined;
}

/**
 * Objections to a layout before it is loaded, in the order of cost: two that want one name or
 * address, addresses that another process holds, HAProxy's own verdict on the file. Empty when it may
 * be loaded. Rejects with a `WholeFileError` when the fault is in what all share.
 */
export async function judge(
  layout: Layout,
  file: File,
  { candidate, check, held, shared, pid }: JudgeOptions,
  signal: AbortSignal,
): Promise<readonly Objection[]> {
  const conflicts = clashes(layout);
  if (conflicts.length > 0) return conflicts;
  const binds = bindsOf(layout.sections);
  const isShared = ({ section: { owner } }: Bind) => owner !== undefined && shared?.has(owner);
  const fresh = binds.filter(
    (bind) => !held.has(placeOf(bind)) && bind.port !== 0 && !isShared(bind),
  );
  const taken = await takenOf(fresh, pid);
  if (taken.length > 0) return taken;
  if (!check || candidate === undefined) return [];
  await writeFileAtomic(candidate, file.pieces, 0o640);
  const { valid, findings } = await checkFile(candidate, file, check, signal);
  if (valid) return [];
  const objections = firstOfEach(findings);
  if (objections.length > 0) return objections;
  const said = findings.map(({ message }) => message).join('; ');
  throw new WholeFileError(`cannot use ${candidate}: HAProxy says: ${said}`);
}

/** The first finding about each owner: the others often follow from it. */
function firstOfEach(findings: readonly Finding[]): readonly Objection[] {
  const objections = new Map<string, Objection>();
  for (const { message, owner } of findings) {
    if (owner === undefined || objections.has(owner)) continue;
    objections.set(owner, { owner, reason: message });
  }
  return [...objections.values()];
}

/** What can be objected to without a look at the machine: the later of two that want one name or one address. */
export function clashes(layout: Layout): readonly Objection[] {
  return [...twice(layout), ...collisions(bindsOf(layout.sections))];
}

/** The later of two sections with one name. */
function twice(layout: Layout): readonly Objection[] {
  const titles = new Set<string>();
  const objections: Objection[] = [];
  for (const { title, owner } of layout.sections) {
    const isNamed = /^(frontend|backend|listen) /.test(title);
    if (isNamed && owner !== undefined && titles.has(title))
      objections.push({ owner, reason: `there is a ${title} already` });
    titles.add(title);
    if (!/^[\w.:-]*$/.test(title.split(' ')[1] ?? '') && owner !== undefined && isNamed)
      objections.push({ owner, reason: `${title}: not a name that HAProxy allows` });
  }
  return objections;
}

/** The later of two binds that cannot both listen. */
function collisions(binds: readonly Bind[]): readonly Objection[] {
  const byPort = new Map<number, Bind[]>();
  const objections: Objection[] = [];
  for (const bind of binds) {
    const same = byPort.get(bind.port) ?? [];
    const other = same.find((earlier) => collide(earlier, bind));
    byPort.set(bind.port, [...same, bind]);
    const { owner } = bind.section;
    if (!other || owner === undefined) continue;
    const reason = `cannot listen on ${bind.host || '*'}:${bind.port}: ${other.section.title} does`;
    objections.push({ owner, reason });
  }
  return objections;
}

async function takenOf(
  binds: readonly Bind[],
  pid: number | undefined,
): Promise<readonly Objection[]> {
  const taken: Objection[] = [];
  const slice = createTimeSlice();
  for (let at = 0; at < binds.length; at += together) {
    const some = binds.slice(at, at + together);
    const reasons = await Promise.all(some.map((bind) => reasonOf(bind, pid)));
    for (const [index, bind] of some.entries()) {
      const reason = reasons[index];
      const { owner } = bind.section;
      if (reason === undefined) continue;
      if (owner === undefined) throw new WholeFileError(reason);
      taken.push({ owner, reason, bind });
    }
    if (slice.isOver) await slice.yield();
  }
  return taken;
}

/** How many addresses are probed at once: each takes a file descriptor. */
const together = 50;

async function reasonOf(bind: Bind, pid: number | undefined): Promise<string | undefined> {
  const reason = await probe(bind);
  const isOurs = reason !== undefined && pid !== undefined && (await listensOn(pid, bind.port));
  return isOurs ? undefined : reason;
}

/** The places that a running file listens at: they need no probe. */
export function placesOf(sections: readonly Section[]): ReadonlySet<string> {
  return new Set(bindsOf(sections).map(placeOf));
}
