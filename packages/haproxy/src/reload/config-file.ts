import { stat } from 'node:fs/promises';

import { type Log, messageOf, readRegularText, writeFileAtomic } from '@smartstack/daemon';
import type { Due } from '@smartstack/proxy';
import type { HaproxyService } from '../config/config.ts';
import type { Desired } from '../desired/desired.ts';
import type { Paths } from '../process/paths.ts';
import type { Layout } from '../render/layout.ts';
import { isSameText, readWritten, type WrittenFile } from '../render/written.ts';
import type { Sync } from '../runtime/sync.ts';
import { fileWith } from './members.ts';
import { type SavedState, textOf as textOfState } from './state-file.ts';

/** The files of one HAProxy on disk: its configuration, and synapse's state file. Members reach them a little later than HAProxy. */
export interface ConfigFile {
  /** The configuration on disk, read as one of synapse's; undefined where there is none. */
  readonly written: WrittenFile | undefined;
  /** Why it lags behind for longer than it should. */
  readonly trouble: string | undefined;
  /** HAProxy was told something that is not in the file: `flush` becomes due, now or a little later. */
  touch(within?: number): void;
  /** Checks whether someone changed or removed the file; then `flush` becomes due. */
  look(): Promise<void>;
  /** Another file was written and loaded. */
  replaced(file: WrittenFile): void;
  /** Whether the members in the file differ from those desired. */
  differs(layout: Layout, desired: ReadonlyMap<string, Desired>): Promise<boolean>;
  /** Writes what HAProxy was told since; what cannot be written is tried again later. */
  flush(now: FlushInput): Promise<void>;
}

export interface FlushInput {
  readonly layout: Layout | undefined;
  readonly desired: ReadonlyMap<string, Desired>;
  readonly pid: number | undefined;
  readonly good: Readonly<Record<string, HaproxyService>>;
}

export interface KeeperOptions {
  readonly paths: Paths;
  readonly written: WrittenFile | undefined;
  readonly sync: Sync | undefined;
  readonly maxId: number;
  readonly due: Due;
  readonly log: Log;
}

/** How long the file may lag behind the members that HAProxy was told, in milliseconds. */
const lag = 1_000;
const retry = 5_000;

export function createConfigFile({
  paths,
  sync,
  maxId,
  due,
  log,
  ...before
}: KeeperOptions): ConfigFile {
  let { written } = before;
  let isOld = false;
  /** The stamp of the file when it was last found as written. */
  let seen: string | undefined;
  /** The text of the state file. */
  let state = '';
  let trouble: string | undefined;

  const piecesOf = async (layout: Layout, desired: ReadonlyMap<string, Desired>) =>
    (await fileWith(layout, desired, { sync, written, maxId })).pieces;

  async function writeConfig(pieces: readonly string[]): Promise<void> {
    if (paths.config === undefined || isSameText(pieces, written?.pieces ?? [])) return;
    await writeFileAtomic(paths.config, pieces);
    written = readWritten(pieces);
  }

  async function writeState(text: string): Promise<void> {
    if (paths.state === undefined || text === state) return;
    await writeFileAtomic(paths.state, text, 0o600);
    state = text;
  }

  async function flush({ layout, desired, pid, good }: FlushInput): Promise<void> {
    if (!isOld || !layout) return;
    try {
      await writeConfig(await piecesOf(layout, desired));
      await writeState(textOfState({ good, pid, leaving: leavingOf(layout, sync) }));
      isOld = false;
      trouble = undefined;
    } catch (error) {
      if (trouble === undefined)
        log.error(
          {
            reason: messageOf(error),
            fix: 'make room, and let this account write there; it is tried again',
          },
          'the file is behind',
        );
      trouble = messageOf(error);
      due.at('file', performance.now() + retry);
    }
  }

  return {
    get written() {
      return written;
    },
    get trouble() {
      return trouble;
    },
    touch: (within = lag) => {
      isOld = true;
      due.at('file', performance.now() + within);
    },
    look: async () => {
      if (paths.config === undefined || written === undefined) return;
      const stamp = await stampOf(paths.config);
      if (stamp !== undefined && stamp === seen) return;
      seen = stamp;
      const text = await readRegularText(paths.config, { limit: 2 ** 28 }).catch(() => '');
      if (text === written.text) return;
      log.warn(
        { file: paths.config, fix: 'change the configuration of synapse instead' },
        'someone changed the file; it is written again',
      );
      written = readWritten(text);
      isOld = true;
      due.at('file', performance.now());
    },
    replaced: (file) => {
      written = file;
    },
    differs: async (layout, desired) =>
      !isSameText(await piecesOf(layout, desired), written?.pieces ?? []),
    flush,
  };
}

/** Changes with a file's content, its times and its inode; undefined where there is no file. */
async function stampOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

function leavingOf({ parts }: Layout, sync: Sync | undefined): SavedState['leaving'] {
  const all: Record<string, readonly string[]> = {};
  for (const { stanza } of parts) {
    const leaving = sync?.memoryOf(stanza.backendName)?.leaving;
    if (leaving && leaving.size > 0) all[stanza.backendName] = [...leaving.keys()];
  }
  return all;
}
