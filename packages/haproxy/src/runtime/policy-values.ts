import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { writeFileAtomic } from '@smartstack/daemon';

import type { Desired } from '../desired/desired.ts';
import { luaText, type PolicyFiles } from '../policy/files.ts';
import { type Values, valuesOf } from '../policy/values.ts';
import type { Part } from '../render/layout.ts';
import { commandWord } from '../render/words.ts';
import type { Runtime } from './admin-socket.ts';

/** The values of policies that change without a reload: those in HAProxy's map, and the map's file. */
export interface PolicyValues {
  /** Writes the files that lines of these parts name; to be done before HAProxy reads such lines. */
  write(parts: readonly Part[]): Promise<void>;
  /** Tells HAProxy what is otherwise than it has it; answers how many values that were. */
  sync(desired: ReadonlyMap<string, Desired>, signal: AbortSignal): Promise<number>;
  /** What HAProxy has is not known any more. */
  invalidate(): void;
}

export interface PolicyValuesOptions {
  readonly files: PolicyFiles;
  readonly runtimes: readonly Runtime[];
}

export function createPolicyValues({ files, runtimes }: PolicyValuesOptions): PolicyValues {
  /** What each HAProxy was found to have, or was told since. */
  let told: readonly Map<string, string>[] | undefined;
  let written: string | undefined;
  let last: { readonly desired: ReadonlyMap<string, Desired>; readonly values: Values } | undefined;

  function valuesIn(desired: ReadonlyMap<string, Desired>): Values {
    if (last?.desired !== desired)
      last = { desired, values: valuesOfParts([...desired.values()].map(({ part }) => part)) };
    return last.values;
  }

  async function writeMap(values: Values): Promise<void> {
    const text = mapText(values);
    if (text === written) return;
    await writeFileAtomic(files.map, text);
    written = text;
  }

  return {
    write: async (parts) => {
      const values = valuesOfParts(parts);
      if (parts.some(({ config }) => config.traffic?.front)) {
        await mkdir(dirname(files.map), { recursive: true });
        // Somebody may have removed them.
        written = undefined;
        await writeFileAtomic(files.lua, luaText);
        await writeMap(values);
      }
      told = undefined;
    },
    sync: async (desired, signal) => {
      const values = valuesIn(desired);
      if (Object.keys(values).length === 0) return 0;
      await writeMap(values);
      told ??= await Promise.all(runtimes.map((runtime) => readMap(runtime, files.map, signal)));
      let steps = 0;
      for (const [index, runtime] of runtimes.entries()) {
        const known = told[index] ?? new Map<string, string>();
        // A key that HAProxy does not have comes with the lines that name it.
        const changed = Object.entries(values).filter(
          ([key, value]) => known.has(key) && known.get(key) !== value,
        );
        await runtime.ask(
          changed.map(([key, value]) => `set map ${commandWord(files.map)} ${key} ${value}`),
          signal,
        );
        for (const [key, value] of changed) known.set(key, value);
        steps += changed.length;
      }
      return steps;
    },
    invalidate: () => {
      told = undefined;
    },
  };
}

function valuesOfParts(parts: readonly Part[]): Values {
  return Object.assign(
    {},
    ...parts.map(({ config: { traffic } }) => (traffic ? valuesOf(traffic) : {})),
  );
}

/** The map's file: a key and its value on each line. */
export function mapText(values: Values): string {
  const lines = Object.entries(values)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => `${key} ${value}\n`);
  return `# written by synapse: changes by hand are overwritten\n${lines.join('')}`;
}

/** What HAProxy has in a map; empty where it has no such map. */
async function readMap(
  runtime: Runtime,
  path: string,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const [text = ''] = await runtime.ask([`show map ${commandWord(path)}`], signal);
  const entries = text
    .split('\n')
    .map((line) => line.trim().split(' '))
    .filter(([pointer, ...words]) => pointer?.startsWith('0x') && words.length === 2)
    .map(([, key = '', value = '']) => [key, value] as const);
  return new Map(entries);
}
