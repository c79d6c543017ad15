import { z } from 'zod';

/**
 * The default values of keys that a mapping lacks, as they would be written, by key. Those that mean
 * nothing (`false`, nothing, an empty list) are left out.
 */
export function defaultsOf(
  { shape }: { readonly shape: Readonly<Record<string, z.ZodType>> },
  written: Readonly<Record<string, unknown>>,
): readonly (readonly [key: string, value: unknown])[] {
  return Object.entries(shape).flatMap(([key, schema]) => {
    const value = key in written ? undefined : defaultOf(schema);
    return saysNothing(value) ? [] : [[key, value] as const];
  });
}

function defaultOf(schema: z.ZodType): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return schema.def.defaultValue;
  return schema.meta()?.default;
}

function saysNothing(value: unknown): boolean {
  return (
    value === undefined ||
    value === false ||
    value === '' ||
    (typeof value === 'object' && Object.keys(value ?? {}).length === 0)
  );
}
