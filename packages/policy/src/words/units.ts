import { isIP } from 'node:net';
import { duration } from '@smartstack/daemon';

import { z } from 'zod';

const sharePattern = /^\s*(\d{1,3}(?:\.\d{1,4})?)\s*%\s*$/;

/** A share of a whole, written such as `20%` or `0.1%`; a number from 0 to 1 once read. */
export const share = z
  .string({ error: 'expected a share such as 20%' })
  .regex(sharePattern, { error: 'expected a share such as 20%' })
  .transform((text) => Number(sharePattern.exec(text)?.[1]) / 100)
  .refine((part) => part <= 1, { error: 'expected a share of at most 100%' })
  .meta({ unit: 'share', written: { type: 'string', pattern: sharePattern.source } });

/** A time from `from` milliseconds on, up to a day. */
export const time = (from = 1) =>
  duration.refine((milliseconds) => milliseconds >= from && milliseconds <= 86_400_000, {
    error: `expected a time from ${from}ms to 1d`,
  });

/** How many of something; at least `from`. */
export const count = (from = 1) => z.int().min(from).max(1_000_000);

/** Text without control characters, which no proxy's file or header may have. */
export const printable = (most: number) =>
  z
    .string()
    .max(most)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
    .regex(/^[^\x00-\x1f\x7f]*$/, { error: 'expected text without control characters' });

/** A header's name, in lower case: of the characters of RFC 9110, section 5.6.2, those that names in use have. */
export const headerName = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9_-]+$/, {
    error: 'expected a header name of letters, digits, - and _, such as x-user',
  })
  .transform((name) => name.toLowerCase());

/** A request method: a token of RFC 9110, in upper case. */
export const method = z
  .string()
  .max(32)
  .regex(/^[A-Z][A-Z-]*$/, { error: 'expected a method in upper case, such as GET' });

/** The name of a query parameter or a cookie. */
export const parameterName = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9_.~-]+$/, { error: 'expected a name of letters, digits and _.~-' });

/** The name of a service. */
export const serviceName = printable(128).min(1);

/** The path of a URL, from its slash on, as it stands in a request. */
export const urlPath = printable(1024).regex(/^\/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$/, {
  error: 'expected a path that begins with /, of the characters that a URL has there',
});

/** An IP address, or a range in CIDR notation. */
export const addressRange = z
  .string()
  .refine(isRange, { error: 'expected an IP address or a range such as 10.0.0.0/8' });

function isRange(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

/** The value of a header. */
export const headerValue = printable(4096);
