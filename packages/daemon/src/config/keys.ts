import { z } from 'zod';

/** The folder that a main configuration names for its services. */
export const serviceConfDir = z
  .string()
  .optional()
  .meta({
    description:
      'a folder whose `*.yaml`, `*.yml` and `*.json` files hold one service each, named after the file. A relative one is looked for beside the main file, then in the working directory, where the originals looked',
    examples: ['conf.d'],
  });

/** What a daemon's JSON files name their JSON Schema by. */
export const schemaKey = (daemon: string) =>
  z
    .string()
    .optional()
    .meta({
      description:
        'the JSON Schema of this file, for editors; without effect here. In YAML write `# yaml-language-server: $schema=…`',
      examples: [`/usr/lib/node_modules/@smartstack/${daemon}/${daemon}.schema.json`],
    });

/** The path of a file or folder. */
export const filePath = z
  .string()
  .min(1)
  .refine((path) => !path.includes('\0'), { error: 'expected a path without NUL characters' });

/** A whole number, which Ruby also took as text of digits. */
export const wholeNumber = (from: number, to: number) =>
  z
    .preprocess(
      (value) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value),
      z.int().min(from).max(to),
    )
    .meta({
      written: { type: ['integer', 'string'], pattern: '^\\d{1,15}$', minimum: from, maximum: to },
    });

/** A TCP or UDP port. */
export const portKey = wholeNumber(1, 65_535);
