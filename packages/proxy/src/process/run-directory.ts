import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Where a proxy that synapse runs has its files. */
export function defaultRunDirectory(): string {
  const given = givenBySystemd('RUNTIME_DIRECTORY');
  if (given !== undefined) return given;
  if (process.getuid?.() === 0) return '/run/synapse';
  return join(
    process.env.XDG_RUNTIME_DIR ?? join(tmpdir(), `synapse-${userInfo().uid}`),
    'synapse',
  );
}

/** The folder that systemd gives a unit; the first, where there are several. */
export function givenBySystemd(name: 'RUNTIME_DIRECTORY' | 'LOGS_DIRECTORY'): string | undefined {
  return process.env[name]?.split(':', 1)[0] || undefined;
}
