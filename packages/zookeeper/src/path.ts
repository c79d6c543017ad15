/** ZooKeeper's PathUtils: characters that no path may contain. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const forbidden = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/;

/** What is wrong with a node's path, or undefined. */
export function pathProblem(path: string): string | undefined {
  if (!path.startsWith('/')) return 'a path starts with /';
  if (path === '/') return undefined;
  if (path.endsWith('/')) return 'a path does not end with /';
  if (path.includes('//')) return 'a path has no empty names';
  if (/\/\.{1,2}(\/|$)/.test(path)) return 'a path has no relative names';
  if (forbidden.test(path)) return 'a path has no control or private characters';
  return undefined;
}

/** The node above; the root's parent is the root. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** A child's path. */
export function join(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}

/** The path as the server knows it, under a chroot (`''` for none). */
export function prefixed(chroot: string, path: string): string {
  if (chroot === '') return path;
  return path === '/' ? chroot : chroot + path;
}

/** The path as the session's user knows it: `prefixed` the other way round. */
export function unprefixed(chroot: string, path: string): string {
  return path.slice(chroot.length) || '/';
}
