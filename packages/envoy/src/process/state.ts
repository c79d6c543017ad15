import { isRecord, readRegularText, writeFileAtomic } from '@smartstack/daemon';
import type { ProcessId } from '@smartstack/proxy';

/** What the next synapse is to know of an Envoy that this one started. */
export interface EnvoyState {
  readonly process: ProcessId;
  readonly epoch: number;
  readonly baseId: number;
  /** The one that it replaced, which may not have ended yet. */
  readonly before?: ProcessId | undefined;
}

export async function writeState(path: string, state: EnvoyState): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(state)}\n`, 0o600, { isDurable: false });
}

/** Undefined where there is none, or none that can be read: a running Envoy is found without it. */
export async function readState(path: string): Promise<EnvoyState | undefined> {
  try {
    const state: unknown = JSON.parse(await readRegularText(path));
    if (!isRecord(state) || !isProcess(state.process)) return undefined;
    const { process, epoch, baseId, before } = state;
    if (!isCount(epoch) || !isCount(baseId)) return undefined;
    return { process, epoch, baseId, ...(isProcess(before) && { before }) };
  } catch {
    return undefined;
  }
}

function isProcess(value: unknown): value is ProcessId {
  return isRecord(value) && isCount(value.pid) && value.pid > 1 && typeof value.start === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
