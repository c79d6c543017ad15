import { portKey } from '@smartstack/daemon';
import { hostSchema, type Instance } from '@smartstack/registry';
import { z } from 'zod';

const pathPattern = /^\/[A-Za-z0-9_.:@%+,=~/-]{1,106}$/;

/** The path of a UNIX socket, of characters that need no quotes in a proxy's file, as long as sockets allow. */
export const socketPath = z
  .string()
  .regex(pathPattern)
  .transform((path) => path as `/${string}`);

const portOrPath = z
  .preprocess(
    (value) => {
      const port = portKey.safeParse(value);
      return port.success ? port.data : value;
    },
    z.union([z.int().min(1).max(65_535), socketPath], {
      error:
        'expected a port from 1 to 65535, or the path of a UNIX socket where the host is `unix`',
    }),
  )
  .meta({
    written: {
      type: ['integer', 'string'],
      pattern: `^\\d{1,15}$|${pathPattern.source}`,
      minimum: 1,
      maximum: 65_535,
    },
  });

/** One server of `default_servers`, which is served when no member is announced. */
export const defaultServer = z
  .strictObject({
    name: z
      .string()
      .optional()
      .meta({ description: 'its name', examples: ['spare-1'] }),
    host: hostSchema.meta({
      description: 'its address; `unix` for a UNIX socket, whose path is the `port`',
      examples: ['10.0.0.9'],
    }),
    port: portOrPath.meta({
      description: 'its port, or its path where the host is `unix`',
      examples: [3000],
    }),
    weight: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'its weight, with `use_nerve_weights`', examples: [10] }),
    labels: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'its labels', examples: [{ zone: 'a' }] }),
    haproxy_server_options: z
      .string()
      .optional()
      .meta({ description: 'words for its server line', examples: ['backup'] }),
  })
  .refine(({ host, port }) => typeof port === 'number' || host === 'unix', {
    path: ['port'],
    error: 'expected a port from 1 to 65535; a path is for a UNIX socket, whose host is `unix`',
  })
  .transform(({ haproxy_server_options: options, ...server }) =>
    withoutUndefined({ ...server, haproxyServerOptions: options }),
  );

function withoutUndefined(values: { [K in keyof Instance]: Instance[K] | undefined }): Instance {
  const present = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as unknown as Instance;
}
