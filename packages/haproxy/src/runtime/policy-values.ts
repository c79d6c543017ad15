import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { writeFileAtomic } from '@smartstack/daemon';

import { luaText, needsLua, type PolicyFiles } from '../policy/files.ts';
import { type Values, valuesOf } from '../policy/values.ts';
import type { Part } from '../render/layout.ts';
import { commandWord } from '../render/words.ts';
import type { Runtime } from './admin-socket.ts';
import { byDesired, type LiveValues } from './live-values.ts';

export interface PolicyValuesOptions {
  readonly files: PolicyFiles;
  readonly runtimes: readonly Runtime[];
}

/** The values of policies that HAProxy looks up in its map for each request. */
export function createPolicyValues({ files, runtimes }: PolicyValuesOptions): LiveValues {
  const valuesIn = byDesired(valuesOfParts);
  /** What each HAProxy was found to have, or was told since. */
  let told: readonly Map<string, string>[] | undefined;
  let written: string | undefined;
  /** What the HAProxy that runs reads, should it start again on the file that it has. */
  let running: Values = {};

  async function writeMap(values: Values): Promise<void> {
    const text = mapText({ ...running, ...values });
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
        if (files.lua !== undefined && parts.some(({ config }) => needsLua(config.traffic)))
          await writeFileAtomic(files.lua, luaText);
        await writeMap(values);
      }
      told = undefined;
    },
    sync: async (desired, signal) => {
      const values = valuesIn(desired);
      if (Object.keys(values).length === 0) return 0;
      told ??= await Promise.all(runtimes.map((runtime) => readMap(runtime, files.map, signal)));
      let steps = 0;
      for (const [index, runtime] of runtimes.entries()) {
        const known = told[index] ?? new Map<string, string>();
        const changed = changesOf(known, values);
        await runtime.ask(commandsFor(files.map, changed), signal);
        for (const [key, value] of changed) known.set(key, value);
        steps += changed.length;
      }
      // Last: where the disk is full HAProxy has the values all the same.
      running = Object.fromEntries(told.flatMap((known) => [...known]));
      await writeMap(values);
      return steps;
    },
    invalidate: () => {
      told = undefined;
    },
  };
}

/** What the map has for these parts of the file. */
export function valuesOfParts(parts: readonly Part[]): Values {
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

type Entries = readonly (readonly [key: string, value: string])[];

/** The values that are others. A key that HAProxy does not have comes with the lines that name it. */
function changesOf(known: ReadonlyMap<string, string>, values: Values): Entries {
  return Object.entries(values).filter(
    ([key, value]) => known.has(key) && known.get(key) !== value,
  );
}

const commandsFor = (map: string, changed: Entries): readonly string[] =>
  changed.map(([key, value]) => `set map ${commandWord(map)} ${key} ${value}`);

/** The commands that give HAProxy the values of these parts. */
export async function valueCommands(
  runtime: Runtime,
  { map }: PolicyFiles,
  parts: readonly Part[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const values = valuesOfParts(parts);
  if (Object.keys(values).length === 0) return [];
  return commandsFor(map, changesOf(await readMap(runtime, map, signal), values));
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
