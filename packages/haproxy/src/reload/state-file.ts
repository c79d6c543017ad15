import { readRegularText } from '@smartstack/daemon';

import type { HaproxyService } from '../config/config.ts';

/** What a driver saves for the next one, which may come after a kill. */
export interface SavedState {
  /** The configuration of each service that HAProxy runs. */
  readonly good: Readonly<Record<string, HaproxyService>>;
  /** The worker that this is about. */
  readonly pid: number | undefined;
  /** The servers by backend that synapse, not an operator, took out of rotation. */
  readonly leaving: Readonly<Record<string, readonly string[]>>;
}

const version = 1;
const empty: SavedState = { good: {}, pid: undefined, leaving: {} };

/** Reads the saved state; a missing, foreign or broken file is an empty state. */
export async function readState(path: string | undefined): Promise<SavedState> {
  if (path === undefined) return empty;
  try {
    const read = JSON.parse(await readRegularText(path)) as SavedState & { version?: number };
    if (read.version !== version) return empty;
    return { good: { ...read.good }, pid: read.pid, leaving: { ...read.leaving } };
  } catch {
    return empty;
  }
}

/** The text of the state file. */
export function textOf({ good, ...rest }: SavedState): string {
  const known = texts.get(good) ?? JSON.stringify(good);
  texts.set(good, known);
  return `${JSON.stringify({ version, ...rest }).slice(0, -1)},"good":${known}}\n`;
}

/** Cached: configurations are many, and change with the file alone. */
const texts = new WeakMap<SavedState['good'], string>();
