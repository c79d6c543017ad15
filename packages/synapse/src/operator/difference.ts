import type { Preview } from '@smartstack/proxy';
import { createTwoFilesPatch } from 'diff';

import type { Previewed } from './preview.ts';

/** The differences of all proxies; `''` when there is none. */
export function diffOf({ previews }: Previewed): string {
  return previews.map(differenceOf).join('');
}

/** The difference as a unified patch of the file, then the commands and the reload. */
function differenceOf({ path, before = '', text, ...rest }: Preview): string {
  const patch =
    before === text ? '' : createTwoFilesPatch(path, path, before, text, 'now', 'to be');
  const commands = rest.commands.map((command) => `command: ${command}\n`).join('');
  const reload = rest.reload === undefined ? '' : `reload: ${rest.reload}\n`;
  return `${patch}${commands}${reload}`;
}
