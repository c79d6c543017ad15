import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { luaText, type PolicyFiles } from '../policy/files.ts';
import type { File, Part } from '../render/layout.ts';
import { mapText, valuesOfParts } from '../runtime/policy-values.ts';

/** A file that can be judged in another folder: what its policies name is written there, and named so in it. */
export async function aside(
  file: File,
  parts: readonly Part[],
  files: PolicyFiles,
  folder: string,
): Promise<File> {
  if (!parts.some(({ config }) => config.traffic)) return file;
  const [map, lua] = [join(folder, 'policy.map'), join(folder, 'policy.lua')];
  await writeFile(map, mapText(valuesOfParts(parts)));
  await writeFile(lua, luaText);
  const pieces = file.pieces.map((piece) =>
    piece.replaceAll(files.map, map).replaceAll(files.lua, lua),
  );
  return { ...file, pieces, text: pieces.join('') };
}
