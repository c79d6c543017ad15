import { writeFileAtomic } from '@smartstack/daemon';

import { allowFile, type PolicyFiles } from '../policy/files.ts';
import type { Part } from '../render/layout.ts';
import { commandWord } from '../render/words.ts';
import type { Runtime } from './admin-socket.ts';
import { byDesired, type LiveValues } from './live-values.ts';

/** The addresses that may connect, by the file that HAProxy reads them from at a start. */
type Lists = ReadonlyMap<string, readonly string[]>;

export interface AllowListsOptions {
  readonly files: PolicyFiles;
  readonly runtimes: readonly Runtime[];
}

/** The lists of addresses that may connect to services. */
export function createAllowLists({ files, runtimes }: AllowListsOptions): LiveValues {
  const listsIn = byDesired((parts) => listsOf(parts, files));
  /** What was told of each file, and what HAProxy then said that it has, by socket and file. */
  let told = new Map<string, { readonly list: string; readonly shown: string }>();
  let isSure = false;
  const written = new Map<string, string>();

  async function writeList(file: string, text: string): Promise<void> {
    if (written.get(file) === text) return;
    await writeFileAtomic(file, text);
    written.set(file, text);
  }

  async function tell(
    { runtime, file, list }: { runtime: Runtime; file: string; list: readonly string[] },
    signal: AbortSignal,
  ): Promise<boolean> {
    const key = `${runtime.path} ${file}`;
    const text = list.join(' ');
    const before = told.get(key);
    if (isSure && before?.list === text) return false;
    const shown = await shownBy(runtime, file, signal);
    // HAProxy does not have it yet: it comes with the lines that name it.
    if (shown === undefined) return false;
    const isAsTold = before ? before.shown === shown && before.list === text : shown === text;
    if (!isAsTold) await replace(runtime, file, list, signal);
    const now = isAsTold ? shown : await shownBy(runtime, file, signal);
    told.set(key, { list: text, shown: now ?? '' });
    return !isAsTold;
  }

  return {
    write: async (parts) => {
      for (const [file, list] of listsOf(parts, files)) {
        written.delete(file);
        await writeList(file, textOf(list));
      }
      told = new Map();
    },
    sync: async (desired, signal) => {
      let changes = 0;
      const lists = listsIn(desired);
      for (const [file, list] of lists) {
        await writeList(file, textOf(list));
        for (const runtime of runtimes)
          if (await tell({ runtime, file, list }, signal)) changes += 1;
      }
      isSure = true;
      return changes;
    },
    invalidate: () => {
      isSure = false;
    },
  };
}

function listsOf(parts: readonly Part[], files: PolicyFiles): Lists {
  return new Map(
    parts.flatMap(({ config: { traffic } }) =>
      traffic?.front && traffic.policy.allow
        ? [[allowFile(files, traffic.service), [...traffic.policy.allow].sort()] as const]
        : [],
    ),
  );
}

const textOf = (list: readonly string[]) => list.map((each) => `${each}\n`).join('');

/** What HAProxy has in a list; undefined where it has no such list. */
async function shownBy(
  runtime: Runtime,
  file: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [text = ''] = await runtime.ask([`show acl ${commandWord(file)}`], signal);
  if (/unknown acl|no such/i.test(text)) return undefined;
  return text
    .split('\n')
    .map((line) => line.trim().split(' '))
    .filter(([pointer]) => pointer?.startsWith('0x'))
    .map(([, address = '']) => address)
    .sort()
    .join(' ');
}

/** Puts another list in place of the one there, at once: no connection is judged by a part of it. */
async function replace(
  runtime: Runtime,
  file: string,
  list: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const name = commandWord(file);
  const [prepared = ''] = await runtime.ask([`prepare acl ${name}`], signal);
  const [, version] = /(\d+)/.exec(prepared) ?? [];
  if (version === undefined) throw new Error(`cannot change ${file} in HAProxy: ${prepared}`);
  await runtime.ask(
    [
      ...list.map((address) => `add acl @${version} ${name} ${address}`),
      `commit acl @${version} ${name}`,
    ],
    signal,
  );
}
