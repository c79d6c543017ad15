import { isRecord } from '@smartstack/daemon';

import { numberOf } from '../admin/server-info.ts';
import { createProgram } from '../process/program.ts';

/** The programs that were asked: each file is asked once. */
const programs = new Map<string, ReturnType<typeof createProgram>>();

/** The version of the Envoy that a section names, as it is written; undefined where it cannot be run, or somebody else runs it. Never rejects. */
export async function programVersion(written: unknown): Promise<string | undefined> {
  if (written === false || (isRecord(written) && written.managed === false)) return undefined;
  const named = isRecord(written) ? written.binary : undefined;
  const binary = typeof named === 'string' && named !== '' ? named : 'envoy';
  const program = programs.get(binary) ?? createProgram(binary);
  programs.set(binary, program);
  const found = await program(new AbortController().signal).catch(() => undefined);
  return found && numberOf(found.version);
}
