import { z } from 'zod';

import { singleLine } from './lines.ts';

/** Text that names a file or a program. */
export const path = singleLine.pipe(z.string().min(1));

/** A boolean with a default. */
export const flag = (value: boolean) => z.boolean().default(value);

/** Absent and null are the same, as Ruby read them. */
export const optional = <S extends z.ZodType>(schema: S) =>
  schema.nullish().transform((value) => value ?? undefined);

/** Whether HAProxy can call a frontend or a backend so. */
export function isProxyName(name: string): boolean {
  return /^[A-Za-z0-9_.:-]+$/.test(name);
}
