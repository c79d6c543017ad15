import type { IncomingMessage } from 'node:http';

import { createDeadline, messageOf } from '@smartstack/daemon';

import { type Exchange, exchange, readBody } from './exchange.ts';
import { parseJson } from './json.ts';

export interface GetOptions extends Pick<Exchange, 'url' | 'socketPath'> {
  /** For the whole answer, in milliseconds. */
  readonly timeout: number;
}

const maxRedirects = 3;

/**
 * The JSON that a GET is answered with, whole and with status 200; up to three redirects are followed.
 * Rejects with what was asked for and why it failed.
 */
export async function getJson(options: GetOptions, signal: AbortSignal): Promise<unknown> {
  using deadline = createDeadline(options.timeout, signal);
  try {
    const response = await follow(options, maxRedirects, deadline.signal);
    return await parseJson(await readBody(response, deadline.signal), deadline.signal);
  } catch (error) {
    signal.throwIfAborted();
    const why = deadline.isOver ? `no whole answer in ${options.timeout} ms` : messageOf(error);
    throw new Error(`cannot get ${shown(options)}: ${why}`, { cause: error });
  }
}

/** The answer to a GET, of whatever status, whose body is still to be read. */
export function openGet(
  { url, socketPath }: Omit<GetOptions, 'timeout'>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return exchange({ url, socketPath }, signal);
}

async function follow(
  options: GetOptions,
  left: number,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const response = await openGet(options, signal);
  const { statusCode = 0, headers } = response;
  if (statusCode === 200) return response;
  response.destroy();
  if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined)
    throw new Error(`answered ${statusCode}`);
  if (left === 0) throw new Error(`more than ${maxRedirects} redirects`);
  const url = new URL(headers.location, options.url);
  if (!/^https?:$/.test(url.protocol)) throw new Error(`redirected to ${url.href}`);
  return follow({ ...options, url }, left - 1, signal);
}

/** What was asked for, without its query, which may hold a secret. */
export function shown({ url, socketPath }: Pick<Exchange, 'url' | 'socketPath'>): string {
  return socketPath === undefined
    ? `${url.origin}${url.pathname}`
    : `${url.pathname} of ${socketPath}`;
}
