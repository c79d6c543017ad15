import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { allowFile, luaText, needsLua, type PolicyFiles, policyFiles } from '../policy/files.ts';
import type { File } from '../render/file.ts';
import type { Part } from '../render/layout.ts';
import { mapText, valuesOfParts } from '../runtime/policy-values.ts';

/** A file that can be judged in another folder: what its policies name is written there, and named so in it. */
export async function aside(
  file: File,
  parts: readonly Part[],
  files: PolicyFiles,
  folder: string,
): Promise<File> {
  if (!parts.some(({ config }) => config.traffic)) return file;
  const there = policyFiles(join(folder, 'haproxy.cfg'));
  await writeFile(there.map, mapText(valuesOfParts(parts)));
  if (there.lua !== undefined && parts.some(({ config }) => needsLua(config.traffic)))
    await writeFile(there.lua, luaText);
  for (const { config } of parts)
    if (config.traffic?.policy.allow) await writeFile(allowFile(there, config.traffic.service), '');
  const names = (['map', 'lua', 'allow'] as const).flatMap((each) => {
    const [from, to] = [files[each], there[each]];
    return from === undefined || to === undefined ? [] : [{ from, to }];
  });
  const pieces = file.pieces.map((piece) =>
    names.reduce((text, { from, to }) => text.replaceAll(from, to), piece),
  );
  return { ...file, pieces, text: pieces.join('') };
}
