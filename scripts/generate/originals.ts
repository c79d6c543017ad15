import type { OriginalKey } from '@smartstack/daemon';

import type { Schemas } from './document.ts';
import { keysOf } from './keys.ts';
import { markdown } from './table.ts';

/**
 * What fills `<!-- originals: nerve -->`: each key of the original daemon, what it does here, and what is
 * better now. Throws where a key that is said to be taken is not.
 */
export function originalsTables(
  tables: Readonly<Record<string, readonly OriginalKey[]>>,
  schemas: Schemas,
): (daemon: string) => string {
  return (daemon) => {
    const table = tables[daemon] ?? [];
    const root = schemas[daemon] ?? {};
    const known = new Set(keysOf(root, root, '.', () => false).map(({ path }) => path));
    const wrong = table.filter(({ key }) => !known.has(key));
    if (wrong.length > 0)
      throw new Error(wrong.map(({ key }) => `${daemon}: ${key} is not taken`).join('\n'));
    return markdown(
      ['Key', 'Here', 'Better now'],
      table.map(({ key, here, better = '', idle }) => [
        `\`${key}\``,
        idle ? `without effect: ${here}` : here,
        better,
      ]),
    );
  };
}
