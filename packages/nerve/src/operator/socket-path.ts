import { join } from 'node:path';

/** Linux' limit for a socket's path (unix(7), sun_path without its final zero); Node.js cuts off what is longer. */
const longest = 107;

/** The socket for operators' commands to a nerve with this state directory. */
export const controlSocketIn = (directory: string) => join(directory, 'nerve.sock');

/** Why there can be no socket at a path, or undefined when there can. */
export function flawOf(path: string): string | undefined {
  const length = Buffer.byteLength(path);
  return length > longest
    ? `a socket's path has at most ${longest} bytes, this one ${length}; choose a shorter state_directory`
    : undefined;
}
