import { isRecord } from '@smartstack/daemon';
import { runCommand } from '@smartstack/proxy';

/** How long a program may take to say its version, in milliseconds. */
const patience = 5_000;

/** The version of the Envoy that a section names, as it is written; undefined where it cannot be run, or somebody else runs it. Never rejects. */
export async function programVersion(written: unknown): Promise<string | undefined> {
  if (written === false || (isRecord(written) && written.managed === false)) return undefined;
  const named = isRecord(written) ? written.binary : undefined;
  const binary = typeof named === 'string' && named !== '' ? named : 'envoy';
  const never = new AbortController().signal;
  const options = { timeout: patience, whole: true };
  const ran = await runCommand(binary, ['--version'], options, never).catch(() => undefined);
  return ran && versionIn(ran.output);
}

/** The version in what `envoy --version` prints: `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`. */
export function versionIn(output: string): string | undefined {
  return /version: [^/\s]*\/(\d+\.\d+[^/\s]*)/.exec(output)?.[1];
}
