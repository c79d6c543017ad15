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
  let tellers = new Map<string, readonly Teller[]>();
  const written = new Map<string, string>();

  async function writeList(file: string, list: readonly string[]): Promise<void> {
    const text = list.map((address) => `${address}\n`).join('');
    if (written.get(file) === text) return;
    await writeFileAtomic(file, text);
    written.set(file, text);
  }

  function tellersOf(file: string): readonly Teller[] {
    const known = tellers.get(file) ?? runtimes.map((runtime) => createTeller(runtime, file));
    tellers.set(file, known);
    return known;
  }

  return {
    write: async (parts) => {
      written.clear();
      for (const [file, list] of listsOf(parts, files)) await writeList(file, list);
      tellers = new Map();
    },
    sync: async (desired, signal) => {
      let changes = 0;
      for (const [file, list] of listsIn(desired)) {
        for (const teller of tellersOf(file)) if (await teller.tell(list, signal)) changes += 1;
        // Last: where the disk is full HAProxy has the list all the same.
        await writeList(file, list);
      }
      return changes;
    },
    invalidate: () => {
      for (const teller of [...tellers.values()].flat()) teller.invalidate();
    },
  };
}

/** Keeps one list of one HAProxy as it should be. */
interface Teller {
  /** Whether it had to be changed. */
  tell(list: readonly string[], signal: AbortSignal): Promise<boolean>;
  /** What HAProxy has is to be asked before the next change is judged. */
  invalidate(): void;
}

function createTeller(runtime: Runtime, file: string): Teller {
  /** What was told last, and what HAProxy then said that it has, in a form of its own. */
  let told: { readonly list: string; readonly shown: string | undefined } | undefined;
  let isSure = false;
  return {
    tell: async (list, signal) => {
      const text = list.join(' ');
      if (isSure && told?.list === text) return false;
      const shown = await shownBy(runtime, file, signal);
      // HAProxy does not have it yet: it comes with the lines that name it.
      if (shown === undefined) return false;
      const isThere = told?.list === text ? told.shown === shown : shown === text;
      if (!isThere) await replace(runtime, file, list, signal);
      told = { list: text, shown: isThere ? shown : await shownBy(runtime, file, signal) };
      isSure = true;
      return !isThere;
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
