import { isIP } from 'node:net';

import { statusAddress } from '@smartstack/daemon';
import { z } from 'zod';

/** A boolean with a default. */
export const flag = (value: boolean) => z.boolean().default(value);

const [, hostAndPort] = statusAddress.options;

/** `host:port` of this machine. */
export const loopbackAddress = hostAndPort
  .refine(({ host }) => isLoopback(host), {
    error:
      'expected a loopback address, such as 127.0.0.1: whoever reaches it can do with it what they like',
  })
  .meta({ written: { type: 'string', pattern: '^.+:\\d+$' }, unit: 'host:port' });

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1';
}

/** The mode of a socket's file, of which `0600` is a number to some readers of YAML. */
export const fileMode = z
  .preprocess(
    (value) => (typeof value === 'number' ? String(value) : value),
    z.string().regex(/^0?[0-7]{3}$/, { error: 'expected a mode such as "0600"' }),
  )
  .transform((text) => Number.parseInt(text, 8))
  .meta({
    written: { type: ['string', 'integer'], pattern: '^0?[0-7]{3}$' },
    unit: 'octal digits',
  });
