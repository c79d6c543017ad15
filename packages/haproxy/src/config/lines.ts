import { z } from 'zod';

/**
 * Raw HAProxy lines as users write them: a list, or one text. A text of several lines is several
 * lines; indentation and empty lines are dropped, so that rendering decides the layout.
 */
export const lines = z
  .union([z.string(), z.array(z.string())])
  .refine((value) => ![value].flat().some((line) => line.includes('\0')), {
    error: 'expected lines without NUL characters',
  })
  .transform((value): readonly string[] =>
    [value]
      .flat()
      .flatMap((text) => text.split(/\r?\n/))
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  )
  .meta({ unit: 'HAProxy lines' });

/** One raw HAProxy text that must stay on its line, such as a bind address. */
export const singleLine = z
  .string()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
  .regex(/^[^\x00-\x1f\x7f]*$/, { error: 'expected one line of text' })
  .transform((text) => text.trim());
