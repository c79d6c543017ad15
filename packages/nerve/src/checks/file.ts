import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import { z } from 'zod';

import { type CheckMechanism, commonKeys, span } from './check.ts';
import { failure } from './reason.ts';

const schema = z
  .strictObject({
    type: z.literal('file'),
    ...commonKeys(),
    path: z
      .string()
      .min(1)
      .meta({
        description: "the file; a relative one is meant from the configuration's folder",
        examples: ['/run/web/ready'],
      }),
    younger_than: span.optional().meta({
      description: 'how long ago the file may have been changed last',
      otherwise: 'any time',
      examples: ['1m'],
    }),
  })
  .meta({ description: 'passes when a file is there' });

/** Passes while a file exists and, where `younger_than` is given, was changed recently. */
export const file: CheckMechanism<typeof schema> = {
  type: 'file',
  schema,
  create: ({ name, path, younger_than: limit }, { service, directory }) => {
    const absolute = resolve(directory, path);
    return {
      name: name ?? `${service} file-${path}`,
      run: async () => {
        try {
          const { mtimeMs } = await stat(absolute);
          const age = Date.now() - mtimeMs;
          if (limit !== undefined && age > limit)
            throw new Error(`changed ${Math.round(age / 1000)} s ago, expected ${limit / 1000} s`);
        } catch (error) {
          throw failure(`stat ${absolute}`, error);
        }
      },
    };
  },
};
