import { readdir, readFile, readlink } from 'node:fs/promises';

/**
 * Whether a process listens on a TCP port, as Linux tells of it under /proc; false where it does not
 * tell, or may not.
 */
export async function listensOn(pid: number, port: number): Promise<boolean> {
  const inodes = await listeningInodes(port);
  if (inodes.size === 0) return false;
  const folder = `/proc/${pid}/fd`;
  const descriptors = await readdir(folder).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(`${folder}/${descriptor}`).catch(() => '');
    if (inodes.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '')) return true;
  }
  return false;
}

const listening = '0A';

/** The sockets that listen on a port, on any address of either family. */
async function listeningInodes(port: number): Promise<ReadonlySet<string>> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set<string>();
  for (const row of tables.join('\n').split('\n')) {
    const fields = row.trim().split(/\s+/);
    const [, local = '', , state] = fields;
    if (state === listening && local.endsWith(wanted)) inodes.add(fields[9] ?? '');
  }
  return inodes;
}
