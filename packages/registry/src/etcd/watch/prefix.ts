import type { Range } from '../wire/messages.ts';

/** The keys directly below a path. */
export interface Prefix {
  /** Without its last slash. */
  readonly path: string;
  readonly range: Range;
  /** A key's name below the path; undefined for one that is deeper. Throws for one that is not below it. */
  nameOf(key: Buffer): string | undefined;
}

export function prefixOf(path: string): Prefix {
  const text = `${path}/`;
  const key = Buffer.from(text);
  // The next byte behind `/`.
  const end = Buffer.from(`${path}0`);
  return {
    path,
    range: { key, end },
    nameOf: (full) => {
      if (!full.subarray(0, key.length).equals(key))
        throw new Error(
          `answered with ${full.toString().slice(0, 100)}, which is not below ${path}`,
        );
      const name = full.toString('utf8', key.length);
      return name === '' || name.includes('/') ? undefined : name;
    },
  };
}

/** A prefix and a path as one path with a slash before each part, and none at its end. */
export function joinPath(...parts: readonly string[]): string {
  const names = parts.flatMap((part) => part.split('/')).filter((name) => name !== '');
  return names.map((name) => `/${name}`).join('');
}
