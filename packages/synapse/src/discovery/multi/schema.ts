import { duration } from '@smartstack/daemon';
import { z } from 'zod';

import { migrateSchema } from './migrate.ts';
import { s3Url } from './s3.ts';

const seconds = duration.refine((milliseconds) => milliseconds > 0, { error: 'must not be 0' });

export const resolverSchema = z.discriminatedUnion('method', [
  z
    .strictObject({ method: z.literal('union') })
    .meta({ description: 'the members of all watchers' }),
  z
    .strictObject({
      method: z.literal('sequential'),
      sequential_order: z
        .array(z.string())
        .min(1)
        .meta({ description: 'every watcher, the best first', examples: [['near', 'far']] }),
    })
    .meta({ description: 'the members of the first watcher that has some' }),
  z
    .strictObject({
      method: z.literal('toggle'),
      file: z
        .string()
        .min(1)
        .meta({
          description: 'a local file that names a watcher (`blue`), or weighs them',
          examples: ['/etc/smartstack/web.toggle'],
        }),
      polling_interval: seconds
        .prefault(1)
        .meta({ description: 'how often it is read', examples: ['5s'] }),
    })
    .meta({
      description:
        'the members of the watcher that a file chooses; of weights (`{blue: 1, green: 0}`) one is chosen by chance once for each text',
    }),
  z
    .strictObject({
      method: z.literal('s3_toggle'),
      s3_url: z
        .string()
        .regex(s3Url, { error: 'expected s3://bucket/key' })
        .meta({ description: 'where it is', examples: ['s3://bucket/web.toggle'] }),
      s3_polling_interval_seconds: seconds.meta({
        description: 'how often it is read',
        examples: [30],
      }),
    })
    .meta({
      description: 'the same of a file in S3; needs `npm install @aws-sdk/client-s3`',
    }),
  migrateSchema,
]);

export type ResolverConfig = z.output<typeof resolverSchema>;

/** What is wrong with a resolver beside these watchers, or undefined. */
export function resolverProblem(
  resolver: ResolverConfig,
  watchers: readonly string[],
): string | undefined {
  if (resolver.method === 'migrate') {
    const { from, to } = resolver;
    const stranger = [from, to].find((name) => !watchers.includes(name));
    if (stranger !== undefined) return `migrate names ${stranger}, which is no watcher`;
    if (from === to) return 'migrate needs two watchers: from and to are the same';
    const other = watchers.find((name) => name !== from && name !== to);
    return other && `migrate is between two watchers, and ${other} is neither from nor to`;
  }
  if (resolver.method !== 'sequential') return undefined;
  const { sequential_order: order } = resolver;
  const unknown = order.find((name) => !watchers.includes(name));
  if (unknown !== undefined) return `sequential_order names ${unknown}, which is no watcher`;
  const missing = watchers.find((name) => !order.includes(name));
  return missing && `sequential_order lacks ${missing}`;
}
