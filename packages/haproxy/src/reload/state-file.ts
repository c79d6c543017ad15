import { readRegularText } from '@smartstack/daemon';

import type { HaproxyService } from '../config/config.ts';

/** What a driver wants to know again after it was killed. */
export interface Remembered {
  /** The configuration of each service that HAProxy runs. */
  readonly good: Readonly<Record<string, HaproxyService>>;
  /** The worker that this was true of. */
  readonly pid: number | undefined;
  /** The servers by backend that synapse, not an operator, took out of rotation. */
  readonly leaving: Readonly<Record<string, readonly string[]>>;
}

const version = 1;
const nothing: Remembered = { good: {}, pid: undefined, leaving: {} };

/** Reads what was remembered; a missing, foreign or broken file is nothing. */
export async function recall(path: string | undefined): Promise<Remembered> {
  if (path === undefined) return nothing;
  try {
    const read = JSON.parse(await readRegularText(path)) as Remembered & { version?: number };
    if (read.version !== version) return nothing;
    return { good: { ...read.good }, pid: read.pid, leaving: { ...read.leaving } };
  } catch {
    return nothing;
  }
}

/** What the file of a memory is to hold. */
export function textOf({ good, ...rest }: Remembered): string {
  const known = texts.get(good) ?? JSON.stringify(good);
  texts.set(good, known);
  return `${JSON.stringify({ version, ...rest }).slice(0, -1)},"good":${known}}\n`;
}

/** Configurations are many, and change with the file alone. */
const texts = new WeakMap<Remembered['good'], string>();
