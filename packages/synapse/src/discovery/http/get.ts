import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';

import { createDeadline, messageOf } from '@smartstack/daemon';

export interface GetOptions {
  readonly url: URL;
  /** A UNIX socket to speak to in place of the URL's host. */
  readonly socketPath?: string | undefined;
  /** For the whole answer, in milliseconds. */
  readonly timeout: number;
}

const maxRedirects = 3;
const maxBytes = 32 * 1024 * 1024;

/**
 * The JSON that a GET is answered with, whole and with status 200; up to three redirects are followed.
 * Rejects with what was asked for and why it failed.
 */
export async function getJson(options: GetOptions, signal: AbortSignal): Promise<unknown> {
  using deadline = createDeadline(options.timeout, signal);
  try {
    const text = await readBody(
      await follow(options, maxRedirects, deadline.signal),
      deadline.signal,
    );
    return JSON.parse(text);
  } catch (error) {
    signal.throwIfAborted();
    const why = deadline.isOver ? `no whole answer in ${options.timeout} ms` : messageOf(error);
    throw new Error(`cannot get ${shown(options)}: ${why}`, { cause: error });
  }
}

/** The answer to a GET, whose body is still to be read; rejects unless its status is 200. */
export async function openGet(
  { url, socketPath }: Omit<GetOptions, 'timeout'>,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const { get } = url.protocol === 'https:' ? https : http;
  const headers = { accept: 'application/json' };
  const request = get(url, { headers, signal, ...(socketPath !== undefined && { socketPath }) });
  const [response] = (await once(request, 'response', { signal })) as [http.IncomingMessage];
  return response;
}

async function follow(
  options: GetOptions,
  left: number,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
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

async function readBody(response: http.IncomingMessage, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    signal.throwIfAborted();
    length += (chunk as Buffer).length;
    if (length > maxBytes) throw new Error(`answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  if (!response.complete) throw new Error('answer was cut off');
  return Buffer.concat(chunks).toString();
}

function shown({ url, socketPath }: GetOptions): string {
  return socketPath === undefined
    ? `${url.origin}${url.pathname}`
    : `${url.pathname} of ${socketPath}`;
}
