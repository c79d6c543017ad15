import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One HAProxy that tests run. */
export interface HaproxyVersion {
  /** Such as `3.0.11-1+deb13u4`. */
  readonly version: string;
  readonly binary: string;
}

/**
 * The HAProxy in PATH, and those of newer Debian releases that `scripts/haproxy-versions.sh` has fetched. With
 * `HAPROXY` set, that one alone. Prints which they are, and which are not there.
 */
export function haproxyVersions(): readonly HaproxyVersion[] {
  const { HAPROXY: only } = process.env;
  const wanted = only === undefined ? fetched() : [];
  const binaries = [only ?? 'haproxy', ...wanted.filter(existsSync)];
  const versions = binaries.map((binary) => ({ binary, version: versionOf(binary) }));
  console.log(`HAProxy ${versions.map(({ version }) => version).join(', ')}`);
  for (const binary of wanted.filter((path) => !existsSync(path)))
    console.log(`not run: ${binary}, which bash scripts/haproxy-versions.sh fetches`);
  return versions;
}

/** Where the script puts them. */
function fetched(): readonly string[] {
  const script = fileURLToPath(new URL('../../scripts/haproxy-versions.sh', import.meta.url));
  const printed = execFileSync('bash', [script, '--paths'], { encoding: 'utf8' });
  return printed.trim().split('\n');
}

/** Such as `3.0.11-1+deb13u4`. */
export function versionOf(binary: string): string {
  const printed = execFileSync(binary, ['-v'], { encoding: 'utf8' });
  const version = /^HA-?Proxy version (\S+)/.exec(printed)?.[1];
  if (version === undefined) throw new Error(`no version in what ${binary} -v prints: ${printed}`);
  return version;
}
