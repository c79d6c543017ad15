import { createTimeSlice } from '@smartstack/daemon';
import type { Desired } from '../desired/desired.ts';
import { type File, fileOf } from '../render/file.ts';
import { assignIds, type Ids } from '../render/ids.ts';
import type { Layout } from '../render/layout.ts';
import { type Server, serverLine } from '../render/server.ts';
import type { WrittenFile } from '../render/written.ts';
import type { Sync } from '../runtime/sync.ts';

export interface MembersOptions {
  /** The HAProxy whose servers are kept for services without an answer; undefined when none runs. */
  readonly sync: Sync | undefined;
  readonly written: WrittenFile | undefined;
  readonly maxId: number;
}

/** The file of a layout with the servers desired for each backend, or those it has while these are unknown. */
export async function fileWith(
  layout: Layout,
  desired: ReadonlyMap<string, Desired>,
  options: MembersOptions,
): Promise<File> {
  const slice = createTimeSlice();
  const lines = new Map<string, readonly string[]>();
  for (const { service, stanza } of layout.parts) {
    if (slice.isOver) await slice.yield();
    lines.set(stanza.backendName, serverLines(stanza.backendName, desired.get(service), options));
  }
  if (slice.isOver) await slice.yield();
  return fileOf(layout, (backend) => lines.get(backend) ?? []);
}

function serverLines(
  backend: string,
  desired: Desired | undefined,
  options: MembersOptions,
): readonly string[] {
  const { servers, fallback = [] } = desired ?? {};
  if (servers !== undefined) {
    const own = linesOf(backend, servers, options);
    const parked = parkedLines(backend, options);
    return parked.length > 0 ? [...own, ...parked] : own;
  }
  const kept = keptLines(backend, options);
  return kept.length > 0 ? kept : linesOf(backend, fallback, options);
}

function linesOf(
  backend: string,
  servers: readonly Server[],
  { sync, written, maxId }: MembersOptions,
): readonly string[] {
  const known =
    sync?.memoryOf(backend)?.ids ??
    new Map([...(written?.backends.get(backend) ?? [])].map(([name, { id }]) => [name, id]));
  const before = lines.get(servers);
  if (before?.known === known) return before.lines;
  const ids = assignIds(servers, known, maxId);
  const made = servers.map((server) => serverLine(server, ids.get(server.name) ?? 0));
  lines.set(servers, { known, lines: made });
  return made;
}

/** Cached lines, with the ids that they were made with: most lists stay as they are. */
const lines = new WeakMap<
  readonly Server[],
  { readonly known: Ids; readonly lines: readonly string[] }
>();

/** Servers that left, in maintenance, so that they need no reload when they return. */
function parkedLines(backend: string, { sync }: MembersOptions): readonly string[] {
  const memory = sync?.memoryOf(backend);
  if (!memory || memory.leaving.size === 0) return [];
  return [...memory.leaving].flatMap(([name, { parked }]) => {
    const server = memory.told.get(name);
    const id = memory.ids.get(name);
    if (!parked || !server || id === undefined) return [];
    return [`${serverLine({ ...server, weight: undefined }, id)} disabled`];
  });
}

/** The servers that run and do not leave; those of the last file where nothing runs. */
function keptLines(backend: string, { sync, written }: MembersOptions): readonly string[] {
  const memory = sync?.memoryOf(backend);
  if (!memory) return [...(written?.backends.get(backend)?.values() ?? [])].map(({ line }) => line);
  return [...memory.told.values()]
    .filter(({ name }) => !memory.leaving.has(name) && memory.ids.has(name))
    .map((server) => serverLine(server, memory.ids.get(server.name) ?? 0));
}
